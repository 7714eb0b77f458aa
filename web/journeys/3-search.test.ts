import { expect, fair, first, known, looks, type Page, read, test } from './start';

/** stored waits until the lake holds what a search asks for: it takes in what came once a minute. */
async function stored(page: Page) {
  await expect(async () => {
    await expect(page.locator('.table tbody tr.on, .empty').first()).toBeVisible();
    if ((await page.locator('.empty').count()) === 0) return;
    await page.reload();
    throw new Error('not stored yet');
  }).toPass({ timeout: 100_000 });
}

test('a value leads to who it is, by one key to what mentions it, and a sighting to its record', async ({ page }) => {
  await first(page);
  await page.locator('.entity .value').first().click();
  // Its events are in the lake up to a minute after the incident is there.
  await expect(async () => {
    const again = page.getByRole('button', { name: 'Look again' });
    if (await again.isVisible()) await again.click();
    await expect(page.getByRole('heading', { name: 'What is new' })).toBeVisible({ timeout: 2000 });
  }).toPass({ timeout: 100_000 });
  await expect(page.locator('.drawn .node').first()).toBeVisible();
  await page.keyboard.press('t');
  await expect(page.getByRole('columnheader', { name: 'Tie' })).toBeVisible();
  await page.keyboard.press('p');
  await stored(page);
  await expect(page).toHaveURL(/pivot.*value=/);
  await page
    .locator('.table tbody tr:not([aria-hidden])', { hasNotText: 'alert' })
    .first()
    .locator('td')
    .first()
    .click();
  await expect(page.getByText('Record, as it came')).toBeVisible();
});

test('everything that mentions a value, and a row with its record beside OCSF', async ({ page }) => {
  await page.goto('/search?mention=146.70.41.77');
  await stored(page);
  await expect(page.locator('.tally')).toContainText(/rows.*in .* files · .* ms/);
  await expect(page.locator('.histogram .hist').first()).toBeAttached();
  await expect(page.locator('.facets section').first()).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page.getByText('Record, as it came')).toBeVisible();
  await expect(page.locator('.raw figcaption', { hasText: 'OCSF' })).toBeVisible();
  await expect(page).toHaveURL(/event=/);
});

test('SQL that writes is refused in words, and what was asked stays', async ({ page }) => {
  await page.goto('/search?sql=DELETE+FROM+events');
  await expect(page.getByRole('alert')).toContainText('searches never write');
  await expect(page.getByLabel('SQL over events')).toHaveValue('DELETE FROM events');
  await page
    .getByLabel('SQL over events')
    .fill("SELECT '<img src=x onerror=alert(1)>' AS hostile, repeat('x', 1000000) AS long");
  await page.keyboard.press('Enter');
  await expect(page.locator('.table tbody')).toContainText('<img src=x onerror=alert(1)>');
  expect(await page.locator('.table img').count()).toBe(0);
});

test('a question is copied as Sigma and jq by keys, and what Tocsin wrote itself comes when asked for', async ({
  page,
}) => {
  await page.goto("/search?filter=operation+LIKE+'Create%25'");
  await stored(page);
  await page.keyboard.press('c');
  await page.getByRole('menuitem', { name: 'Sigma' }).press('Enter');
  await expect(page.getByRole('region', { name: 'As Sigma' })).toContainText('eventName|startswith|cased: "Create"');
  await page.keyboard.press('c');
  await page.getByRole('menuitem', { name: 'jq' }).press('Enter');
  await expect(page.getByRole('region', { name: 'As jq' })).toContainText('select((.operation');
  await page.goto('/search');
  await stored(page);
  const own = page.locator('.table tbody td', { hasText: /^search\+?$/ });
  await expect(own).toHaveCount(0);
  await page.keyboard.press('w');
  await expect(page).toHaveURL(/own=1/);
  await expect(async () => {
    await page.getByRole('button', { name: 'Ask' }).click(); // what was asked before comes into the lake within a minute
    await expect(own.first()).toBeVisible({ timeout: 3000 });
  }).toPass({ timeout: 100_000 });
});

test('a search becomes a rule by keys: kept as a hunt, and drafted with its tests', async ({ page }) => {
  await page.goto("/search?filter=operation+%3D+'CreateAccessKey'");
  await stored(page);
  await known(page);
  await page.keyboard.press('m');
  await expect(page.getByLabel('Query')).toHaveValue(/eventName\|cased: "CreateAccessKey"/);
  await page.getByLabel('Title').fill('Keys are made');
  await page.getByLabel('The question, in words').fill('Who makes keys?');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Draft of a rule' })).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('textbox', { name: 'Rule', exact: true })).toHaveValue(
    /eventName\|cased: "?CreateAccessKey/,
  );
  await expect(page.getByLabel('Tests, out of its hits')).toHaveValue(/fires: true/);
});

for (const { colorScheme, width } of looks) {
  test.describe(`fair to all, ${colorScheme}, ${width} px`, () => {
    test.use({ colorScheme, viewport: { width, height: 800 } });
    test('/search', async ({ page }) => {
      await page.goto('/search');
      await stored(page);
      await expect(page.locator('.facets section').first()).toBeVisible();
      await read(page);
      await fair(page);
      await page.locator('.table tbody tr.on td').first().click(); // not on a link
      await expect(page.getByText('Record, as it came')).toBeVisible();
      await fair(page);
    });
  });
}
