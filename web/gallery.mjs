// Takes a picture of every page of a running console, light and dark, at 1280 and 390 pixels:
//   node gallery.mjs http://127.0.0.1:8420/accept#… [folder]     a first start: the link that serve prints, for the account ada
//   node gallery.mjs http://127.0.0.1:8420 [folder]              afterwards
// Pages of one thing (an incident, an entity, a hunt, a set) are reached through what the lists hold.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from '@playwright/test';

const [, , start, folder = '../out/gallery'] = process.argv;
if (!start) {
  console.error('say where the console is: node gallery.mjs http://127.0.0.1:8420[/accept#…] [folder]');
  process.exit(2);
}
const executablePath =
  process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const password = process.env.PASSWORD ?? 'a sentence that nobody guesses';
const base = new URL(start).origin;
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const first = await browser.newContext({ baseURL: base });
const page = await first.newPage();
await page.goto(start);
await page.getByLabel('Name').fill('ada');
await page.getByRole('textbox', { name: 'Password' }).fill(password);
await page.keyboard.press('Enter');
await page.getByRole('heading', { name: 'What needs you now' }).waitFor();
const storageState = await first.storageState();
await page.goto('/incidents');
await page.locator('.row').first().waitFor({ timeout: 90_000 });
await page.keyboard.press('Enter');
await page.getByRole('heading', { name: 'What happened' }).waitFor();
const incident = new URL(page.url()).pathname;
const entity = await page.locator('a[href^="/entity?"]').first().getAttribute('href');
await page.goto('/alerts');
await page.locator('.row').first().waitFor();
await page.keyboard.press('Enter');
await page.waitForURL(/\/alerts\/./);
const alert = new URL(page.url()).pathname;
await page.goto('/rules');
const rule = await page.locator('a[href*="rule="]').first().getAttribute('href');
await first.close();

const pages = {
  home: '/',
  incidents: '/incidents',
  incident,
  'incident-timeline': `${incident}?tab=timeline`,
  'incident-evidence': `${incident}?tab=evidence`,
  'incident-work': `${incident}?tab=work`,
  alerts: '/alerts',
  alert,
  search: '/search?from=24h',
  entity,
  'entity-graph': `${entity}&view=graph`,
  pivot: entity?.replace(/.*value=/, '/pivot?value='),
  'pivot-in-words': '/pivot?value=svc-backup',
  hunts: '/hunts',
  rules: '/rules',
  rule,
  attack: '/attack',
  coverage: '/coverage',
  intelligence: '/intelligence',
  sources: '/sources',
  'dead-letters': '/dead-letters',
  ledger: '/ledger',
  audit: '/audit',
  settings: '/settings',
};
mkdirSync(folder, { recursive: true });
for (const colorScheme of ['light', 'dark'])
  for (const width of [1280, 390]) {
    const context = await browser.newContext({
      baseURL: base,
      storageState,
      colorScheme,
      viewport: { width, height: width === 390 ? 844 : 800 },
    });
    const p = await context.newPage();
    for (const [name, path] of Object.entries(pages)) {
      if (!path) continue;
      await p.goto(path);
      await p.locator('h1').first().waitFor();
      await p.locator('.waiting').first().waitFor({ state: 'detached' });
      await p.waitForTimeout(300); // what is drawn after the last answer
      await p.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`) });
    }
    await context.close();
  }
await browser.close();
console.log(`${Object.keys(pages).length} pages in four looks: ${folder}`);
