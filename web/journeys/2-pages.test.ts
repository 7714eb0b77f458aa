import { expect, fair, first, looks, read, test } from './start';

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
  const link = await people.getByRole('status').locator('code').innerText();
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
  const again = await people.getByRole('status').locator('code').innerText();
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
