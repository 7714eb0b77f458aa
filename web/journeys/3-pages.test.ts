import { expect, fair, first, test } from './start';

const pages = [
  '/',
  '/incidents',
  '/alerts',
  '/search',
  '/entity',
  '/entity?kind=origin&value=person:viktor.chen@example.org&depth=2',
  '/entity?kind=origin&value=person:viktor.chen@example.org&view=table',
  '/pivot?value=146.70.41.77',
  '/hunts',
  '/hunts?make=1&filter=true',
  '/rules',
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

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test(`every page is fair to all, ${scheme}, ${width} px`, async ({ page }) => {
      test.setTimeout(240_000); // axe takes seconds a page on a busy machine
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 800 });
      for (const at of pages) {
        await page.goto(at);
        await expect(page.locator('h1, .empty').first()).toBeVisible();
        await expect(page.locator('.waiting')).toHaveCount(0);
        await fair(page);
      }
      await first(page);
      for (const tab of ['timeline', 'evidence', 'work', 'story&sentence=0']) {
        await page.goto(`${page.url().split('?')[0]}?tab=${tab}`);
        await expect(page.getByRole('tab', { selected: true })).toBeVisible();
        await fair(page);
      }
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
      await fair(page);
    });
  }
}

test('every place is reached by its keys, and by the palette', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'What needs you now' })).toBeVisible();
  await page.keyboard.press('g');
  await page.keyboard.press('o');
  await expect(page.getByRole('heading', { name: 'Sources', exact: true })).toBeVisible();
  await expect(page.getByText('it balances')).toBeVisible();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Go to, or search for' }).fill('cov');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/coverage/);
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
