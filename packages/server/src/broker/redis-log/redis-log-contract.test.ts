import { describeLogContract } from "../log-contract.ts";
import { startLog } from "./redis-log-test-support.ts";

describeLogContract("RedisLog", startLog);
