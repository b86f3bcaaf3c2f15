import { array, errorReply, NULL, OK } from "../resp-writer.ts";
import type { CommandSpec } from "./command.ts";

/**
 * MULTI, EXEC and DISCARD: clients wrap pipelines in them. WATCH is not here, since there are no keys to
 * watch.
 */
export const transactionCommands: readonly CommandSpec[] = [
  {
    name: "multi",
    min: 0,
    max: 0,
    inTransaction: "run",
    run({ session }) {
      if (session.transaction !== null) return errorReply("ERR MULTI calls can not be nested");
      session.transaction = { queue: [], bytes: 0, broken: false };
      return OK;
    },
  },
  {
    name: "exec",
    min: 0,
    max: 0,
    inTransaction: "run",
    run(context) {
      const { transaction } = context.session;
      if (transaction === null) return errorReply("ERR EXEC without MULTI");
      context.session.transaction = null;
      if (transaction.broken) {
        return errorReply("EXECABORT Transaction discarded because of previous errors.");
      }
      return array(transaction.queue.map(({ spec, line }) => spec.run(context, line.slice(1)) ?? NULL));
    },
  },
  {
    name: "discard",
    min: 0,
    max: 0,
    inTransaction: "run",
    run({ session }) {
      if (session.transaction === null) return errorReply("ERR DISCARD without MULTI");
      session.transaction = null;
      return OK;
    },
  },
];
