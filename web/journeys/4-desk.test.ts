import { type ChildProcess, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Browser, expect, type Locator, test } from '@playwright/test';
import { filmed, link, origin, own, results, serve, stop, Walk } from './walk';

// One day at the desk, by keys alone, and filmed with npm run film: from a binary that nobody has used to an incident that is closed, with its evidence
// outside and its ledger verified. No step has a mouse.

const password = 'a sentence that nobody guesses';
const by = {
  button: (w: Walk, name: RegExp | string) => w.page.getByRole('button', { name }),
  field: (w: Walk, name: RegExp | string) => w.page.getByRole('textbox', { name }),
};

let binary: ChildProcess | undefined;
test.beforeAll(async () => {
  test.setTimeout(120_000);
  binary = await serve();
});
test.afterAll(() => stop(binary));

/** joins makes an account with a one-time link, in a browser of its own. */
async function joins(browser: Browser, at: string, name: string): Promise<Walk> {
  const size = { width: 1280, height: 800 };
  const context = await browser.newContext({
    baseURL: origin,
    storageState: { cookies: [], origins: [] },
    viewport: size,
    recordVideo: process.env.FILM ? { dir: `${results}/films`, size } : undefined,
  });
  const walk = new Walk(await context.newPage());
  await walk.page.goto(at);
  await expect(by.field(walk, 'Name')).toBeFocused();
  await walk.writes(name);
  await walk.keys('Tab');
  await walk.writes(password);
  await walk.station(`${name}-joins`);
  await walk.keys('Enter');
  await expect(walk.page.getByRole('heading', { name: 'What needs you now' })).toBeVisible();
  await expect(walk.page.locator('.who')).toHaveText(name);
  return walk;
}

/** invites asks a second person to join, who does with the link. */
async function invites(w: Walk, browser: Browser) {
  await w.goes(',', 'Settings');
  await w.to(by.button(w, 'Invite'), { within: 40 });
  await w.keys('Enter');
  const sent = w.page.locator('.secret', { hasText: '/accept#' });
  await expect(sent).toBeVisible();
  await w.station('invites');
  const grace = await joins(browser, (await sent.textContent()) ?? '', 'grace');
  await grace.goes('i', 'Incidents');
  await grace.station('grace-at-the-queue');
  await filmed(grace.page.context(), 'grace');
}

/** understands opens the incident that stands first, and the events behind a sentence. */
async function understands(w: Walk): Promise<string> {
  await w.goes('i', 'Incidents');
  await expect(w.page.locator('.row').first()).toContainText('svc-backup-agent', { timeout: 90_000 });
  await expect(async () => {
    await w.keys('r'); // what came since is shown when one asks
    await expect(w.page.locator('.row').first()).toContainText('viktor.chen', { timeout: 1000 });
  }).toPass({ timeout: 90_000 });
  await w.station('queue');
  await w.keys('Enter');
  await expect(w.page.getByRole('heading', { name: 'What happened' })).toBeVisible();
  await w.keys('a');
  await expect(w.page.getByText('with ada')).toBeVisible();
  await w.station('incident');
  await w.to(w.page.locator('.story button').first());
  await w.keys('Enter');
  await expect(w.page.getByRole('heading', { name: 'Behind sentence 1' })).toBeVisible();
  await w.to(w.page.locator('.event-head').first(), { within: 40 });
  await w.keys('Enter');
  await expect(w.page.locator('.raw pre').first()).toContainText('eventName');
  await w.station('behind-a-sentence');
  return new URL(w.page.url()).pathname;
}

/** pivots goes from the incident to who did it, and from there to all that mentions an address. */
async function pivots(w: Walk) {
  await w.to(w.page.locator('.entity .value', { hasText: 'viktor.chen@example.org' }).first(), { within: 60 });
  await w.keys('Enter');
  const known = w.page.getByRole('heading', { name: 'What is new' });
  const again = by.button(w, 'Look again'); // what came a moment ago may not be stored yet
  await expect(async () => {
    await expect(known.or(again)).toBeVisible({ timeout: 10_000 });
    if (await again.isVisible()) {
      await w.to(again, { within: 60 });
      await w.keys('Enter');
    }
    await expect(known).toBeVisible({ timeout: 3000 });
  }).toPass({ timeout: 60_000 });
  await w.station('entity');
  await w.keys('p');
  await expect(w.page.getByRole('heading', { name: 'Pivot', level: 1 })).toBeVisible();
  await w.keys('/');
  await w.keys('Control+a');
  await w.writes('146.70.41.77');
  await w.keys('Enter');
  await expect(w.page).toHaveURL(/value=146/);
  await expect(w.page.locator('.tally')).toContainText('sightings');
  await expect(w.page.locator('.table tbody tr.on')).toBeVisible();
  await w.station('pivot');
}

/** hunts asks a question, keeps it, runs it, and makes a rule of it with tests. */
async function hunts(w: Walk) {
  await w.goes('s', 'Search');
  const bar = w.page.getByLabel('Condition over the columns of events');
  await expect(async () => {
    await w.keys('/');
    await expect(bar).toBeFocused({ timeout: 1000 });
  }).toPass();
  await w.writes("operation = 'CreateAccessKey' AND src_ip = '146.70.41.77'");
  await expect(async () => {
    await w.keys('Enter'); // what came last may be on its way into the lake
    await expect(w.page.locator('.table tbody tr.on')).toBeVisible({ timeout: 4000 });
  }).toPass({ timeout: 60_000 });
  await w.station('search');
  await w.to(w.page.getByRole('link', { name: 'Keep as a hunt' }), { key: 'Shift+Tab' });
  await w.keys('Enter');
  await expect(by.field(w, 'Title')).toBeFocused();
  await w.writes('Keys made from one address');
  await w.keys('Tab');
  await w.writes('Who makes access keys from the address of the attack?');
  await w.keys('Enter');
  await expect(by.button(w, /^Run/)).toBeVisible();
  await w.keys('y');
  await expect(w.page.getByRole('heading', { name: /\d hits?$/ })).toBeVisible();
  await w.station('hunt');
  await w.keys('d');
  await expect(w.page.getByRole('heading', { name: 'Draft of a rule' })).toBeVisible();
  await w.station('draft-of-a-rule');
  await w.keys('t');
  await expect(w.page.getByText(/^Written: .*\.yml.*judges/)).toBeVisible();
  await w.station('rule-written');
  const found = async () =>
    (await (await w.page.request.get('/api/v1/alerts?q=Keys%20made%20from%20one%20address')).json()).total;
  await expect
    .poll(found, { timeout: 60_000, message: 'the new rule has judged what was there before it' })
    .toBeGreaterThan(0);
}

/** preserves captures the incident, verifies the set, and exports it in both forms; it returns where the page lies. */
async function preserves(w: Walk): Promise<string> {
  await w.keys('3');
  await expect(w.page.getByRole('heading', { name: 'Frozen as evidence' })).toBeVisible();
  await w.keys('c');
  await w.writes('The key of svc-backup-agent was made by an intruder');
  await w.keys('Enter');
  const why = by.field(w, 'Why it is exported, held, released or deleted');
  await expect(why).toBeVisible();
  await w.to(by.button(w, 'Verify'), { key: 'Shift+Tab', within: 60 });
  await w.keys('Enter');
  await expect(w.page.getByText(/It verifies\./)).toBeVisible();
  await w.station('evidence-verified');
  await saves(w, why, 'Export as zip', 'case.zip');
  await saves(w, why, 'Export as a page', 'case.html');
  await w.station('evidence-exported');
  return resolve(`${results}/case.html`);
}

async function saves(w: Walk, why: Locator, button: string, to: string) {
  await w.to(why, { key: 'Shift+Tab' });
  await w.writes('For the people who decide');
  await w.to(by.button(w, button));
  const saving = w.page.waitForEvent('download');
  await w.keys('Enter');
  await (await saving).saveAs(`${results}/${to}`);
  await expect(w.page.getByText(/^Saved as/)).toBeVisible();
}

/** tunes judges what a colleague was meant to do, three deeds that the new rule tells of as well, and accepts the filter that the verdicts propose, with its proof. */
async function tunes(w: Walk) {
  await w.keys('Control+k');
  await w.writes('ines.okafor');
  const choice = w.page.getByRole('option', { name: /Alerts with ines/ });
  await expect(choice).toBeVisible();
  await w.keys('ArrowUp', 'Enter'); // the last of the choices
  await expect(w.page).toHaveURL(/\/alerts\?q=/);
  await expect(async () => {
    await w.keys('r'); // what came since is shown when one asks
    await expect(w.page.locator('.row')).toHaveCount(6, { timeout: 2000 });
  }).toPass({ timeout: 90_000 });
  await w.keys('x', 'x', 'x', 'x', 'x', 'x');
  await expect(w.page.getByText('6 chosen')).toBeVisible();
  await w.keys('v', 'b');
  await w.writes('She hands out the keys of the partner feeds');
  await w.station('verdict-on-her-keys');
  await w.keys('Enter');
  await expect(w.page.getByText('Verdict: benign true positive · 6 findings')).toBeVisible();
  await w.goes('r', 'Rules');
  await w.to(w.page.getByRole('textbox', { name: /Words in the title/ }));
  await w.writes('Access key created for another');
  await w.to(w.page.getByRole('link', { name: 'Access key created for another user' }));
  await w.keys('Enter');
  await expect(w.page.getByRole('heading', { name: 'Tuning' })).toBeVisible();
  await w.keys('p');
  await expect(w.page.getByText('It hides no event of a true positive.')).toBeVisible();
  await w.station('tuning-with-its-proof');
  await w.keys('y');
  await expect(w.page.getByText(/^Accepted: it takes \d+ open alerts? out of the queue/)).toBeVisible();
  await w.station('tuning-accepted');
}

/** closes gives the verdict on the incident, and closes it. */
async function closes(w: Walk) {
  await w.keys('v', 't');
  await w.writes('An intruder in the session of viktor.chen; key and user are gone');
  await w.station('verdict');
  await w.keys('Enter');
  await expect(w.page.locator('.marks .state', { hasText: 'true positive' })).toBeVisible();
  await expect(w.page.getByRole('dialog')).toHaveCount(0);
  await w.keys('s', 'c');
  await expect(w.page.locator('.marks .state', { hasText: 'closed' })).toBeVisible();
  await w.station('closed');
}

/** ledger verifies what is kept, in the console and with the binary. */
async function ledger(w: Walk): Promise<string> {
  await w.goes('l', 'Ledger');
  await w.keys('v');
  await expect(w.page.getByText('Verified: nothing was changed')).toBeVisible({ timeout: 60_000 });
  await w.station('ledger');
  const tocsin = process.env.TOCSIN_BIN ?? '../bin/tocsin';
  const said = spawnSync(tocsin, ['ledger', 'verify', '--data', `${own}/data`], { encoding: 'utf8' });
  expect(said.status, said.stdout + said.stderr).toBe(0);
  writeFileSync(`${results}/ledger-verify.txt`, said.stdout);
  return readFileSync(`${own}/data/ledger/ledger.pub`, 'utf8').trim();
}

/** offline opens an exported page without any network, gives it the key by keyboard where it takes one, and returns what it says. */
async function offline(browser: Browser, at: string, key: string, name: string): Promise<string> {
  const context = await browser.newContext({ offline: true, viewport: { width: 1280, height: 800 } });
  const w = new Walk(await context.newPage());
  await w.page.goto(`file://${at}`);
  const state = w.page.locator('#state');
  await expect(state).toBeVisible();
  const field = by.field(w, 'public key');
  if ((await field.count()) > 0) {
    await w.to(field);
    await w.writes(key);
    await w.keys('Enter');
    await expect(state).not.toContainText('NOT VERIFIED YET');
  }
  await w.page.screenshot({ path: `${results}/offline-${name}.png` });
  const said = (await state.textContent()) ?? '';
  await context.close();
  return said;
}

/** spoiled writes a page of which one byte of the embedded evidence is another, and returns where. */
function spoiled(page: string): string {
  const bytes = readFileSync(page);
  const blobs = bytes.indexOf('id="blobs"');
  const at = bytes.indexOf('":"', blobs) + 43; // inside the first item
  expect(blobs).toBeGreaterThan(0);
  bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41; // A, or B
  writeFileSync(page.replace('.html', '-spoiled.html'), bytes);
  return page.replace('.html', '-spoiled.html');
}

test('a day at the desk: from the first start to a closed incident, by keys alone', async ({ browser }) => {
  test.setTimeout(300_000);
  const began = Date.now();
  const w = await joins(browser, link(), 'ada');
  await invites(w, browser);
  const incident = await understands(w);
  await pivots(w);
  await hunts(w);
  await returns(w, incident);
  const page = await preserves(w);
  await tunes(w);
  await returns(w, incident);
  await closes(w);
  const key = await ledger(w);
  await filmed(w.page.context(), 'ada');
  expect(await offline(browser, page, key, 'verifies')).toMatch(
    /^VERIFIED with key .* items in 1 captures are as they were sealed/,
  );
  expect(await offline(browser, spoiled(page), key, 'refuses')).toMatch(/^REFUSED: .*something in it was changed/);
  console.log(`the day at the desk took ${Math.round((Date.now() - began) / 1000)} s; what it saw lies in ${results}`);
});

/** returns goes back to the incident through the queue. */
async function returns(w: Walk, incident: string) {
  await w.goes('i', 'Incidents');
  await expect(w.page.locator('.row').first()).toContainText('viktor.chen');
  await w.keys('Enter');
  await expect(w.page).toHaveURL(new RegExp(incident));
  await expect(w.page.getByRole('heading', { name: 'What happened' })).toBeVisible();
}
