import { expect, first, known, test } from './start';

test('an incident is opened, understood, taken, judged and undone by keys alone', async ({ page }) => {
  await first(page);
  await expect(page.locator('.severity').first()).toBeVisible();
  const sentences = page.locator('.story button');
  expect(await sentences.count()).toBeGreaterThan(2);
  await sentences.first().focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Behind sentence 1' })).toBeVisible();
  await expect(page).toHaveURL(/sentence=0/);
  await page.locator('.event-head').first().focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('.raw pre').first()).toContainText('eventName');

  await page.keyboard.press('Escape');
  await first(page);
  await page.keyboard.press('a');
  await expect(page.getByText('with ada')).toBeVisible();
  for (const key of ['v', 't', 'Enter']) await page.keyboard.press(key);
  await expect(page.locator('.marks .state', { hasText: 'true positive' })).toBeVisible();
  await page.keyboard.press('u');
  await expect(page.locator('.marks .state', { hasText: 'true positive' })).toHaveCount(0);
  const severity = page.locator('.marks .severity');
  const was = (await severity.textContent()) ?? '';
  for (const key of ['e', 'l']) await page.keyboard.press(key);
  await expect(page.locator('#decide-comment')).toBeFocused();
  await page.keyboard.type('a drill');
  await page.keyboard.press('Enter');
  await expect(severity).toHaveText('low');
  await page.keyboard.press('u');
  await expect(severity).toHaveText(was);
  await page.keyboard.press('n');
  await page.getByRole('textbox', { name: 'Note, in Markdown' }).fill('<b>not bold</b> \u202Eturned');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('4');
  await expect(page.locator('.note')).toHaveText('<b>not bold</b> \\u{202e}turned');
  await page.getByLabel('New task').fill('Rotate the key');
  await page.keyboard.press('Enter');
  await page.getByLabel('Rotate the key').click();
  await expect(page.getByText('done by ada')).toBeVisible();
});

test('many alerts are judged at once, and a view says what is left', async ({ page }) => {
  await first(page);
  await page.goto('/alerts');
  const rows = page.locator('.row');
  await expect(rows.first()).toBeVisible();
  await known(page);
  for (const key of ['x', 'x']) await page.keyboard.press(key);
  await expect(page.getByText('2 chosen')).toBeVisible();
  for (const key of ['v', 'b', 'Enter']) await page.keyboard.press(key);
  await expect(page.getByText('Verdict: benign true positive · 2 findings')).toBeVisible();
  await page.getByRole('button', { name: 'Closed' }).click();
  await expect(page).toHaveURL(/status=closed/);
  await expect(rows).toHaveCount(2);
});

test('what others change is told, and moves nothing until one asks', async ({ page, request }) => {
  await first(page);
  const uid = page.url().split('/').at(-1)?.split('?')[0];
  const stream = page.waitForResponse(/\/api\/v1\/live/); // once it is open; what came before that is no news
  await page.goto('/incidents');
  await stream;
  await expect(page.locator('.row').first()).toBeVisible();
  const before = await page.locator('.row').first().textContent();
  const done = await request.patch(`/api/v1/incidents/${uid}/decision`, { data: { status: 'in_progress' } });
  expect(done.ok()).toBe(true);
  await expect(page.getByRole('button', { name: /\d new/ })).toBeVisible();
  expect(await page.locator('.row').first().textContent()).toBe(before);
  await page.keyboard.press('r');
  await expect(page.locator('.row .state', { hasText: 'in progress' })).toBeVisible();
});
