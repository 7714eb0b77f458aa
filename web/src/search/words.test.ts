import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { within } from './own';
import { toJq, toSigma } from './words';

/** detection is the part of a rule that a filter decides. */
const detection = (filter: string) => toSigma(filter).text?.split('detection:\n')[1]?.split('level:')[0];

describe('a filter as a Sigma rule', () => {
  test.each([
    ["operation = 'CreateAccessKey'", '    s1:\n        eventName|cased: "CreateAccessKey"\n    condition: s1\n'],
    ["status = 'Failure'", '    s1:\n        status_id: 2\n    condition: s1\n'],
    [
      "region IN ('eu-west-1', 'us-east-1')",
      '    s1:\n        awsRegion|cased:\n            - "eu-west-1"\n            - "us-east-1"\n    condition: s1\n',
    ],
    ["operation LIKE 'Delete%'", '    s1:\n        eventName|startswith|cased: "Delete"\n    condition: s1\n'],
    ["origin ILIKE '%root'", '    s1:\n        tocsin.actor.origin|endswith: "root"\n    condition: s1\n'],
    ["operation LIKE '%Key%'", '    s1:\n        eventName|contains|cased: "Key"\n    condition: s1\n'],
    ["operation LIKE 'Get_%Key'", '    s1:\n        eventName|cased: "Get?*Key"\n    condition: s1\n'],
    ['src_ip IS NULL', '    s1:\n        sourceIPAddress|exists: false\n    condition: s1\n'],
    [
      "region <> 'us-east-1'",
      '    s1:\n        awsRegion|cased: "us-east-1"\n    s2:\n        awsRegion|exists: true\n    condition: s2 and not s1\n',
    ],
    ["region IS DISTINCT FROM 'us-east-1'", '    s1:\n        awsRegion|cased: "us-east-1"\n    condition: not s1\n'],
  ])('%s', (filter, want) => {
    expect(detection(filter)).toBe(want);
  });

  test('brackets, and a NOT before them', () => {
    expect(detection("(region = 'a' OR region = 'b') AND NOT (operation = 'c' OR account IS NOT NULL)")).toContain(
      'condition: (s1 or s2) and (s4 and not s3) and s5\n',
    );
  });

  test.each([
    ["operation = 'a*b?c\\d'", 'eventName|cased: "a\\\\*b\\\\?c\\\\\\\\d"'],
    ["operation = 'x\ndetection: {}'", 'eventName|cased: "x\\ndetection: {}"'],
    ["operation = 'o''neil\u0085\u2028'", 'eventName|cased: "o\'neil\\u0085\\u2028"'],
    ["operation LIKE '100\\%%' ESCAPE '\\'", 'eventName|startswith|cased: "100%"'],
    ["operation = 'true' -- AND region = 'x'", 'eventName|cased: "true"'],
  ])('a hostile value stays a value: %s', (filter, want) => {
    expect(detection(filter)).toContain(`        ${want}\n`);
  });

  test.each([
    ['', 'lets everything through'],
    ['true', 'lets everything through'],
    ['time_dt > now() - INTERVAL 7 DAY', 'compares with >'],
    ["resource = 'x'", 'The column resource is Tocsin'],
    ["operation = 'x' OR", 'ends too early'],
    ["lower(operation) = 'x'", 'does not read'],
    ["operation = 'x' operation", 'does not read'],
    ["operation = 'unfinished", 'does not read'],
    ['operation IN (SELECT 1)', 'does not read'],
  ])('what cannot be said is said so: %s', (filter, why) => {
    expect(toSigma(filter).no).toContain(why);
  });
});

const jq = spawnSync('jq', ['--version']).status === 0;
if (!jq && process.env.CI === 'true') throw new Error('jq is not installed; install it with: apt-get install jq');

describe.skipIf(!jq)('a filter for jq, asked of jq (install it with: apt-get install jq)', () => {
  const rows = [
    { id: 1, operation: 'CreateAccessKey', region: 'eu-west-1', source_id: 'a', api: { service: { name: 'iam' } } },
    { id: 2, operation: 'DeleteUser', region: null, source_id: 'tocsin-audit', api: null },
    { id: 3, operation: 'a"b\\(1)\n.x', region: 'us-east-1', source_id: null, api: { service: { name: 's3' } } },
    { id: 4, operation: null, region: 'US-EAST-1', source_id: 'b', api: null },
  ];
  const asked = (filter: string) => {
    const program = toJq(filter).text ?? '';
    const out = execFileSync('jq', ['-c', `${program} | .id`], {
      input: rows.map((r) => JSON.stringify(r)).join('\n'),
    });
    return String(out).trim().split('\n').filter(Boolean).map(Number);
  };
  test.each<[string, number[]]>([
    ["operation = 'CreateAccessKey'", [1]],
    ["operation <> 'CreateAccessKey'", [2, 3]],
    ["operation IS DISTINCT FROM 'CreateAccessKey'", [2, 3, 4]],
    ["NOT (operation = 'CreateAccessKey' OR region = 'us-east-1')", []],
    ["region IN ('eu-west-1', 'us-east-1')", [1, 3]],
    ["region NOT IN ('eu-west-1')", [3, 4]],
    ["region ILIKE 'us-%'", [3, 4]],
    ["operation LIKE '%e%s%' OR operation LIKE 'Delete____'", [1, 2]],
    ["operation LIKE '%(1)%x'", [3]],
    ["operation NOT LIKE '%Key'", [2, 3]],
    ["operation = 'a\"b\\(1)\n.x'", [3]],
    ["api.service.name = 's3'", [3]],
    ['region IS NULL', [2]],
    ['id = 4', [4]],
    [within("operation = 'DeleteUser'", false), []],
    [within('', false), [1, 3, 4]],
  ])('%s', (filter, want) => {
    expect(asked(filter)).toEqual(want);
  });
});

test('own is left out unless it is asked for', () => {
  expect(within('', true)).toBe('true');
  expect(within("a = '1' -- why", false)).toBe("(a = '1' -- why\n) AND source_id IS DISTINCT FROM 'tocsin-audit'");
  expect(within("source_id = 'tocsin-audit'", false)).toBe("source_id = 'tocsin-audit'");
});
