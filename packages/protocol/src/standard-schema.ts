/** What was wrong with a value, as a schema says it. */
export interface Issue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/** The interface that zod, Valibot, ArkType and others share: https://standardschema.dev */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema answers. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<Issue> };

/** Checks a value by a schema. A schema that needs time to answer would change the order of updates, and is refused. */
export function check(schema: StandardSchema, value: unknown): SchemaResult<unknown> {
  const result = schema["~standard"].validate(value);
  return result instanceof Promise ? { issues: [{ message: "the schema is asynchronous" }] } : result;
}
