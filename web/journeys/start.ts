import { existsSync, readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';
import { folder } from '../playwright.config';

const kept = `${folder}/session.json`;

/** person is who walks the journeys. */
export const person = { name: 'ada', password: 'a sentence that nobody guesses' };

/** test is a page of somebody who is signed in, and fails on whatever the browser complains of: a policy that is broken, an error that nobody caught. */
export const test = base.extend<{ page: Page }>({
  storageState: async ({ browser, baseURL }, use) => {
    if (!existsSync(kept))
      await signUp(await (await browser.newContext({ baseURL, storageState: undefined })).newPage());
    await use(kept);
  },
  page: async ({ page }, use) => {
    const said: string[] = [];
    page.on(
      'console',
      (m) => ['error', 'warning'].includes(m.type()) && !/status of (4\d\d)/.test(m.text()) && said.push(m.text()),
    );
    page.on('pageerror', (e) => said.push(e.message));
    await use(page);
    expect(said, 'what the browser complained of').toEqual([]);
  },
});

async function signUp(page: Page) {
  const link = /\/accept#[0-9a-f]+/.exec(readFileSync(`${folder}/said`, 'utf8'))?.[0];
  expect(link, 'the link of the set-up').toBeDefined();
  await page.goto(link ?? '/');
  await page.getByLabel('Name').fill(person.name);
  await page.getByRole('textbox', { name: 'Password' }).fill(person.password);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'What needs you now' })).toBeVisible();
  await known(page);
  await page.context().storageState({ path: kept });
  await page.context().close();
}

const everyLook = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 390 },
  { colorScheme: 'dark', width: 1280 },
  { colorScheme: 'light', width: 390 },
] as const;

/** looks are those that axe sees each page in: both schemes and both widths once, or with LOOKS=all (npm run journeys:all) each with each. */
export const looks = process.env.LOOKS === 'all' ? everyLook : everyLook.slice(0, 2);

/** known waits until the page knows who looks at it: before that no key decides anything. */
export async function known(page: Page) {
  await expect(page.locator('.who')).toHaveText(person.name);
}

/** read waits until nothing on a page is still being read. */
export async function read(page: Page) {
  await expect(page.locator('.waiting')).toHaveCount(0);
}

/** fair checks a page by axe: nothing serious may be found, and nothing may stand out of the window. */
export async function fair(page: Page) {
  const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']).analyze();
  const bad = found.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  expect(
    bad.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200)).join(' | ')}`),
    `axe on ${page.url()}`,
  ).toEqual([]);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(over, `pixels of ${page.url()} out of the window`).toBeLessThanOrEqual(0);
}

/** first opens the weightiest incident, once there is one. */
export async function first(page: Page) {
  await page.goto('/incidents');
  await expect(page.locator('.row').first()).toBeVisible({ timeout: 90_000 }); // it comes by itself
  await known(page);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'What happened' })).toBeVisible();
}

export { expect, type Page };
