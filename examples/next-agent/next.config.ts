import type { NextConfig } from "next";

const config: NextConfig = {
  poweredByHeader: false,
  // The lock file above belongs to the relay, not to this application.
  turbopack: { root: import.meta.dirname },
  // `npm run types` checks them, with a compiler that Next.js does not know how to call.
  typescript: { ignoreBuildErrors: true },
};

export default config;
