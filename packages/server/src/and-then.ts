/**
 * Goes on with a value: in the same turn where it is there, once it is where it is promised. On the path of a handshake it
 * stands for `await`, which puts the rest off also where there is nothing to wait for.
 */
export function andThen<Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? whenKnown(value, next) : next(value);
}

async function whenKnown<Value, Result>(
  value: Promise<Value>,
  next: (value: Value) => Result | Promise<Result>,
): Promise<Result> {
  return next(await value);
}
