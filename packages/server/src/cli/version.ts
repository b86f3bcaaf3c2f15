import manifest from "../../package.json" with { type: "json" };

/** The version of Tidings. The bundler puts it into the single executable. */
export const version: string = manifest.version;
