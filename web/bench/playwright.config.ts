import { defineConfig } from '@playwright/test';
import journeys from '../playwright.config';

const port = process.env.PORT ?? '8996';

/** here holds what a run makes. */
export const here = '../out/bench-web';

// Measured is the console on the real binary, in a browser without a cache, on a desk that is fuller than any should be.
export default defineConfig({
  ...journeys,
  testDir: '.',
  testMatch: '*.bench.ts',
  timeout: 600_000,
  outputDir: `../${here}/traces`,
  use: { ...journeys.use, baseURL: `http://127.0.0.1:${port}` },
  webServer: {
    command: `bench/serve.sh ${port}`,
    cwd: '..',
    url: `http://127.0.0.1:${port}/readyz`,
    timeout: 600_000,
    stdout: 'ignore',
    stderr: 'ignore',
    gracefulShutdown: { signal: 'SIGTERM', timeout: 10_000 },
  },
});
