import { readFile } from 'node:fs/promises';
import { expect, fair, first, known, looks, read, test } from './start';

const pages = [
  '/',
  '/incidents',
  '/alerts',
  '/entity',
  '/entity?kind=origin&value=person:viktor.chen@example.org&depth=2',
  '/entity?kind=origin&value=person:viktor.chen@example.org&view=table',
  '/pivot?value=146.70.41.77',
  '/hunts',
  '/hunts?make=1&filter=true',
  '/rules?q=T1098', // some of the hundreds: each row is like the next, and axe looks at every cell
  '/rules?rule=f3c95789-ace1-4954-ac5d-6baed2eac902&q=Administrator',
  '/attack',
  '/coverage',
  '/intelligence',
  '/sources',
  '/dead-letters',
  '/ledger',
  '/audit',
  '/settings',
  '/nothing',
];

for (const { colorScheme, width } of looks) {
  test.describe(`fair to all, ${colorScheme}, ${width} px`, () => {
    test.use({ colorScheme, viewport: { width, height: 800 } });
    for (const at of pages)
      test(at, async ({ page }) => {
        await page.goto(at);
        await expect(page.locator('h1, .empty').first()).toBeVisible();
        await read(page);
        await fair(page);
      });
    test('an incident and an alert', async ({ page }) => {
      await first(page);
      const uid = page.url().split('?')[0];
      for (const tab of ['timeline', 'evidence', 'work', 'story&sentence=0']) {
        await page.goto(`${uid}?tab=${tab}`);
        await expect(page.getByRole('tab', { selected: true })).toBeVisible();
        await read(page);
        await fair(page);
      }
      await page.goto(`${uid}?tab=evidence`);
      await page.locator('.panel').getByRole('link', { name: 'open' }).first().click();
      await expect(page.getByRole('button', { name: 'Verdict' })).toBeVisible();
      await fair(page);
    });
    test('what opens over a page', async ({ page }) => {
      await first(page);
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
      await fair(page);
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toHaveCount(0);
      await expect(page.getByRole('heading', { name: 'What happened' })).toBeVisible(); // the dialog is closed, not the page
      await page.keyboard.press('v');
      await page.keyboard.press('t');
      await expect(page.getByRole('radio', { name: /True positive/, checked: true })).toBeVisible();
      await fair(page);
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toHaveCount(0);
      await expect(page.getByRole('heading', { name: 'What happened' })).toBeVisible();
    });
  });
}

test('every place is reached by its keys, and by the palette', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'What needs you now' })).toBeVisible();
  await expect(async () => {
    for (const key of ['g', 'o']) await page.keyboard.press(key); // a pair within a second, which a busy machine may miss
    await expect(page.getByRole('heading', { name: 'Sources', exact: true })).toBeVisible({ timeout: 5000 });
  }).toPass();
  await expect(page.getByText('it balances')).toBeVisible();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Go to, or search for' }).fill('cov');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/coverage/);
  await expect(page.getByRole('heading', { name: 'Coverage', exact: true })).toBeVisible();
  await page.keyboard.press('/');
  await expect(page).toHaveURL(/search/);
});

test('alerts are taken out, merged in again and that undone, by keys, with a look ahead', async ({ page }) => {
  await first(page);
  const dialog = page.getByRole('dialog');
  await page.keyboard.press('S');
  await expect(dialog.locator('.choice').first()).toBeVisible();
  for (const key of ['x', 'Enter']) await page.keyboard.press(key);
  await expect(dialog.getByRole('region', { name: 'What is taken out will say' })).toContainText('alerts');
  await page.keyboard.type('another story');
  await fair(page);
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(page.getByText('they stay there, whatever is concluded later')).toBeVisible();

  await page.keyboard.press('m');
  await expect(dialog.getByRole('option').first()).toBeVisible();
  const part = page.waitForResponse(/merge|foresee/);
  await page.keyboard.press('Enter');
  expect((await part).ok()).toBe(true);
  await expect(dialog.getByRole('region', { name: 'Merged, this one will say' })).toBeVisible();
  await page.keyboard.type('the same key after all');
  await fair(page);
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  const merged = page.getByText('what is found for either later is told here');
  await expect(merged).toBeVisible();
  await page.keyboard.press('4');
  await expect(page.locator('.activity')).toContainText('merged in another incident: the same key after all');
  await page.keyboard.press('u');
  await expect(merged).toHaveCount(0);
  await expect(page.locator('.activity .undone').last()).toContainText('the same key after all');
});

test('a note in Markdown is read beside its making, outlives its dialog, and is harmless', async ({ page }) => {
  await first(page);
  await page.keyboard.press('n');
  const note = page.getByRole('textbox', { name: 'Note, in Markdown' });
  await expect(note).toBeFocused();
  await note.fill(
    '**Bold** [ticket](https://tickets.example/7) [bad](javascript:alert(1))\n\n- <img src=x onerror=alert(1)>\n- \u200Bhidden',
  );
  const beside = page.getByRole('region', { name: 'As it will be read' });
  await expect(beside.locator('strong')).toHaveText('Bold');
  await fair(page);
  await page.keyboard.press('Escape');
  await page.reload();
  await expect(page.getByRole('heading', { name: 'What happened' })).toBeVisible();
  await known(page);
  await page.keyboard.press('n');
  await expect(note).toHaveValue(/Bold/);
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('4');
  const written = page.locator('.note', { hasText: 'Bold' });
  await expect(written.locator('li')).toHaveText(['<img src=x onerror=alert(1)>', '\\u{200b}hidden']);
  expect(await written.locator('img').count()).toBe(0);
  expect(
    await written.locator('a').evaluateAll((all) => all.map((a) => [a.getAttribute('href'), a.getAttribute('rel')])),
  ).toEqual([['https://tickets.example/7', 'noopener noreferrer nofollow']]);
});

test('files and screenshots are added to a set, which on hold cannot be deleted', async ({ page }) => {
  await first(page);
  await page.keyboard.press('3');
  await page.keyboard.press('c');
  await page.keyboard.type('matter 17');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Choose files' })).toBeVisible();
  await page.keyboard.press('Escape'); // out of the field
  const files = [
    { name: 'page.png', mimeType: 'image/png', buffer: Buffer.from('a picture') },
    { name: '<b>\u202Enote.txt', mimeType: 'text/plain', buffer: Buffer.from('a note') },
    { name: 'empty', mimeType: 'text/plain', buffer: Buffer.alloc(0) },
  ];
  await expect(async () => {
    const chooser = page.waitForEvent('filechooser', { timeout: 3000 });
    await page.keyboard.press('f');
    await (await chooser).setFiles(files);
  }).toPass({ timeout: 60_000 });
  await expect(page.getByText('It is empty.')).toBeVisible();
  await expect(page.getByLabel('Why they are added')).toBeFocused();
  await page.keyboard.type('what I saw');
  await fair(page);
  await page.keyboard.press('Enter');
  await expect(page.getByText('2 added and sealed')).toBeVisible();
  const held = page.getByRole('region', { name: 'Items' });
  await expect(held.locator('tr', { hasText: 'screenshot' })).toContainText(/page\.png.*ada.*what I saw/);
  await expect(held).toContainText('<b>\\u{202e}note.txt');
  await expect(page.locator('.activity', { hasText: 'viewed' })).toContainText('captured');
  await page.getByLabel('Why it is exported, held, released or deleted').fill('matter 17');
  await page.getByRole('button', { name: 'Put on legal hold' }).click();
  await expect(page.getByText('cannot be deleted until')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Delete', exact: true })).toHaveCount(0);
  await fair(page);
});

test('a technique has a name, and the matrix goes to the Navigator', async ({ page }) => {
  await page.goto('/attack');
  await expect(page.getByRole('region', { name: 'Persistence' })).toContainText('Additional Cloud Credentials');
  const [file] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('l')]);
  const layer = JSON.parse(await readFile(await file.path(), 'utf8'));
  expect(layer.domain).toBe('enterprise-attack');
  expect(layer.techniques.length).toBeGreaterThan(50);
});

test('a rule shows its tests, explains a record, and is tried over history as it stands and changed', async ({
  page,
}) => {
  await first(page);
  await page.goto('/rules?rule=f3c95789-ace1-4954-ac5d-6baed2eac902&q=Administrator');
  await expect(page.getByText(/^All \d+ pass/)).toBeVisible();
  await page.getByText('must fire', { exact: true }).first().click();
  await expect(page.locator('.tests pre').first()).toContainText('eventName');
  await page.keyboard.press('e');
  await page.getByRole('button', { name: 'Take one of its tests' }).click();
  await page.getByRole('button', { name: 'Explain', exact: true }).click();
  await expect(page.getByText('holds', { exact: true })).toBeVisible();
  await page.getByLabel('Records, as their source delivers them').fill('<b>no record');
  await page.getByRole('button', { name: 'Explain', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('none of this is a record');
  await page.getByRole('heading', { name: 'Try over history' }).click();
  await expect(async () => {
    await page.keyboard.press('t'); // what came a moment ago is stored within a minute
    await expect(page.getByText('It finds 1 alert.')).toBeVisible({ timeout: 8000 });
  }).toPass();
  await page.getByRole('button', { name: 'Change the text' }).click();
  const text = page.getByLabel('The rule, changed');
  await text.fill((await text.inputValue()).replace('level: high', 'level: low'));
  await expect(page.locator('.diff .added')).toHaveText('+ level: low\n');
  await page.getByRole('button', { name: /^Compare/ }).click();
  await expect(page.getByText('1 alert now, 1 alert changed: 0 gained, 0 lost, 1 otherwise.')).toBeVisible();
  await text.fill('title: no rule');
  await page.getByRole('button', { name: /^Compare/ }).click();
  await expect(page.getByRole('alert').last()).toContainText('edited.yml');
  await read(page);
  await fair(page);
});

test('a dead letter is shown harmlessly with its reason', async ({ page }) => {
  await page.goto('/dead-letters');
  await expect(page.locator('.raw pre').first()).toContainText('<img src=x onerror=alert(1)>');
});

test('whoever is not signed in is led to the door, and back', async ({ browser, baseURL }) => {
  const page = await (await browser.newContext({ baseURL, storageState: { cookies: [], origins: [] } })).newPage();
  await page.goto('/sources');
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.getByLabel('Name').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('not the password of ada');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('wrong');
  await fair(page);
  await page.getByRole('textbox', { name: 'Password' }).fill('a sentence that nobody guesses');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/sources/);
  await page.context().close();
});

test('a person is changed, and whoever was slower is told', async ({ page, browser, baseURL }) => {
  page.on('dialog', (d) => d.accept());
  await page.goto('/settings');
  const people = page.locator('.panel', { has: page.getByRole('heading', { name: 'People' }) });
  await people.getByRole('button', { name: 'Invite' }).press('Enter');
  const link = (await people.getByRole('status').locator('code').textContent()) ?? '';
  const guest = await (await browser.newContext({ baseURL, storageState: { cookies: [], origins: [] } })).newPage();
  await guest.goto(link);
  await guest.getByLabel('Name').fill('bob');
  await guest.getByRole('textbox', { name: 'Password' }).fill('another sentence for bob');
  await guest.keyboard.press('Enter');
  await expect(guest.locator('.who')).toHaveText('bob');

  await page.reload();
  const bob = people.getByRole('row', { name: /bob/ });
  await bob.getByRole('button', { name: 'Change' }).press('Enter');
  const form = page.getByRole('form', { name: 'Change bob' });
  await expect(form).toContainText('bob is now analyst');
  const asked = await page.request.put('/api/v1/people/bob', {
    data: { role: 'engineer', accounts: ['*'] },
    headers: { Origin: baseURL ?? '' },
  });
  expect(asked.status()).toBe(200); // another admin was faster
  await form.getByLabel('Accounts').fill('111111111111');
  await page.keyboard.press('Enter');
  await expect(form.getByRole('alert')).toContainText('newer state');
  await expect(form).toContainText('bob is now engineer');
  await fair(page);
  await form.getByLabel('Accounts').fill('111111111111');
  await page.keyboard.press('Enter');
  await expect(bob).toContainText('111111111111');

  await bob.getByRole('button', { name: 'End access' }).press('Enter');
  await bob.getByRole('button', { name: 'Give access again' }).press('Enter');
  const again = (await people.getByRole('status').locator('code').textContent()) ?? '';
  await guest.goto('about:blank'); // a link that differs after # alone is no other page
  await guest.goto(again);
  await expect(guest.getByRole('heading', { name: 'Choose a new password' })).toBeVisible();
  await guest.getByRole('textbox', { name: 'Password' }).fill('a third sentence for bob');
  await guest.keyboard.press('Enter');
  await expect(guest.locator('.who')).toHaveText('bob');
  await guest.context().close();

  const ada = people.getByRole('row', { name: /ada/ });
  await ada.getByRole('button', { name: 'End access' }).press('Enter');
  await expect(people.getByRole('alert')).toContainText('no admin');
});

test('an entity page offers who stands highest, and shows a week of hours', async ({ page }) => {
  await first(page);
  await page.goto('/entity');
  const panel = page.locator('.panel', { hasText: 'Highest by risk' });
  await panel.getByRole('link').first().press('Enter');
  await expect(page).toHaveURL(/kind=origin/);
  await expect(page.getByRole('table', { name: 'Events by weekday and hour' }).locator('td')).toHaveCount(168);
});
