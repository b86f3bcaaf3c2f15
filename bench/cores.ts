/** The core of the server that is measured. */
export const SERVER_CORE = 0;
/** The core that everything else shares. */
export const LOAD_CORE = 1;
