import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { type BrowserContext, expect, type Locator, type Page } from '@playwright/test';
import { folder } from '../playwright.config';

/** port is that of the walk's own binary, beside the one that the other journeys share. */
const port = Number(process.env.PORT ?? '8997') + 1;

/** own is where the walk's binary keeps what it has; results are the film, a picture of each station, and what was exported. */
export const own = `../out/console-${port}`;
export const results = `${folder}-walk`;
export const origin = `http://127.0.0.1:${port}`;

/** link is the one-time link of the first start, as the binary printed it. */
export function link(): string {
  const said = existsSync(`${own}/said`) ? readFileSync(`${own}/said`, 'utf8') : '';
  return /http\S+\/accept#[0-9a-f]+/.exec(said)?.[0] ?? '';
}

/** serve starts a binary with nothing in it, on an organisation with a colleague who hands out keys, and waits until it is ready. */
export async function serve(): Promise<ChildProcess> {
  for (const old of [own, results]) rmSync(old, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  const child = spawn('journeys/serve.sh', [String(port), 'colleague'], { stdio: 'ignore' });
  await expect
    .poll(
      async () =>
        child.exitCode === null &&
        (await fetch(`${origin}/readyz`)
          .then((r) => r.ok && link() !== '')
          .catch(() => false)),
      { timeout: 110_000, message: 'the binary is ready, and printed its link' },
    )
    .toBe(true);
  return child;
}

/** stop ends the binary that was started, and waits for its end. */
export async function stop(child: ChildProcess | undefined) {
  if (!child || child.exitCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await gone;
}

/** Walk is a person at a keyboard: nothing here has a mouse. */
export class Walk {
  private stations = 0;

  constructor(readonly page: Page) {}

  /** keys presses one key after the other. */
  async keys(...list: string[]) {
    for (const k of list) await this.page.keyboard.press(k);
  }

  /** writes types into the field that has the focus, and fails where no field has it. */
  async writes(text: string) {
    await expect(this.page.locator('input:focus, textarea:focus')).toHaveCount(1);
    await this.page.keyboard.insertText(text);
  }

  /** to goes by tab, or back by shift tab, until something has the focus; it must be seen to have it, and not be far. */
  async to(what: Locator, { key = 'Tab', within = 30 } = {}) {
    await expect(what).toBeVisible();
    const there = () => what.evaluate((e) => e === document.activeElement);
    for (let n = 0; !(await there()); n++) {
      expect(n, `keys to reach ${what}`).toBeLessThan(within);
      await this.page.keyboard.press(key);
    }
    await this.ring();
  }

  /** goes to a page by g and its letter; a busy machine may miss a pair, which has a second. */
  async goes(letter: string, heading: string) {
    const there = this.page.getByRole('heading', { name: heading, exact: true, level: 1 });
    await expect(async () => {
      await this.keys('g', letter);
      await expect(there).toBeVisible({ timeout: 4000 });
    }).toPass({ timeout: 30_000 });
  }

  /** station keeps a picture of where one is. */
  async station(name: string) {
    this.stations++;
    await this.page.screenshot({ path: `${results}/${String(this.stations).padStart(2, '0')}-${name}.png` });
  }

  /** ring fails where what has the focus does not look like it: an outline, or a field's border in another colour. */
  private async ring() {
    const look = await this.page.evaluate(() => {
      const e = document.activeElement;
      if (!e) return 'nothing has the focus';
      const s = getComputedStyle(e);
      const field = e.matches('input, textarea');
      return field || (s.outlineStyle !== 'none' && Number.parseFloat(s.outlineWidth) > 0)
        ? ''
        : e.outerHTML.slice(0, 200);
    });
    expect(look, 'what has the focus without being seen to').toBe('');
  }
}

/** filmed closes a context and keeps the film of its first page under a name. */
export async function filmed(context: BrowserContext, name: string) {
  const film = context.pages()[0]?.video();
  await context.close();
  const path = await film?.path();
  if (path) copyFileSync(path, `${results}/${name}.webm`);
}
