import { expect, test } from "bun:test";
import { textOf } from "./channel-name.ts";
import { type OutputSocket, RespOutput } from "./resp-output.ts";

/** A kernel that takes as many bytes as it was given room for. */
class FakeSocket implements OutputSocket {
  room = Number.POSITIVE_INFINITY;
  writes: string[] = [];
  fate: "open" | "ended" | "terminated" = "open";

  write(bytes: Uint8Array): number {
    const taken = Math.min(this.room, bytes.length);
    this.room -= taken;
    if (taken > 0) this.writes.push(textOf(bytes.subarray(0, taken)));
    return taken;
  }

  end(): void {
    this.fate = "ended";
  }

  terminate(): void {
    this.fate = "terminated";
  }
}

const encoder = new TextEncoder();

function make(limit = 100): { socket: FakeSocket; output: RespOutput; overflows: () => number } {
  const socket = new FakeSocket();
  let overflows = 0;
  const output = new RespOutput(socket, limit, () => {
    overflows += 1;
  });
  return { socket, output, overflows: () => overflows };
}

test("what is written in one turn leaves in one piece", async () => {
  const { socket, output } = make();
  output.write(encoder.encode("one"));
  output.write(encoder.encode("two"));
  expect(socket.writes).toEqual([]);
  await Promise.resolve();
  expect(socket.writes).toEqual(["onetwo"]);
});

test("what the kernel does not take waits for the next flush, in order", () => {
  const { socket, output } = make();
  socket.room = 2;
  output.write(encoder.encode("one"));
  output.flush();
  output.write(encoder.encode("two"));
  expect(output.waitingBytes).toBe(4);
  socket.room = 100;
  output.flush();
  expect(socket.writes).toEqual(["on", "etwo"]);
  expect(output.waitingBytes).toBe(0);
});

test("output over the limit that nobody takes cuts the connection once and is dropped", () => {
  const { socket, output, overflows } = make(10);
  socket.room = 0;
  output.write(encoder.encode("12345678"));
  expect(socket.fate).toBe("open");
  output.write(encoder.encode("9ab"));
  output.write(encoder.encode("more"));
  expect(socket.fate).toBe("terminated");
  expect([overflows(), output.waitingBytes, output.open]).toEqual([1, 0, false]);
});

test("a message larger than the limit goes to a connection that takes it", () => {
  const { socket, output, overflows } = make(10);
  output.write(encoder.encode("a message of many bytes"));
  expect([socket.writes.length, socket.fate, overflows()]).toEqual([1, "open", 0]);
});

test("a connection that ends closes once everything has left, and takes nothing more", () => {
  const { socket, output } = make();
  socket.room = 1;
  output.write(encoder.encode("bye"));
  output.end();
  output.write(encoder.encode("late"));
  expect(socket.fate).toBe("open");
  socket.room = 100;
  output.flush();
  expect([socket.writes.join(""), socket.fate]).toEqual(["bye", "ended"]);
});
