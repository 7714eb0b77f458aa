import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const chromium =
  process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** port is where the binary serves its simulated organisation. */
const port = process.env.PORT ?? '8997';

/** folder holds what this run makes; another port is another run, and both may go at once. */
export const folder = `../out/console-${port}`;

// The journeys walk the real binary, in the order of the files: the first makes the account that the others use.
export default defineConfig({
  testDir: 'journeys',
  fullyParallel: false,
  workers: 1,
  timeout: 120_000, // a busy machine is slow, not wrong
  expect: { timeout: 30_000 },
  forbidOnly: !!process.env.CI,
  reporter: 'list',
  outputDir: `${folder}-traces`,
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    launchOptions: { executablePath: chromium, args: ['--no-sandbox'] },
    viewport: { width: 1280, height: 800 },
  },
  webServer: {
    command: `journeys/serve.sh ${port}`,
    url: `http://127.0.0.1:${port}/readyz`,
    timeout: 120_000,
    stdout: 'ignore',
    stderr: 'ignore',
    gracefulShutdown: { signal: 'SIGTERM', timeout: 10_000 },
  },
});
