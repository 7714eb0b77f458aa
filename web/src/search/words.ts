import { CannotError, type Condition, type Part, parts, read, type Test } from './condition';

/** fields are the columns of the lake as rules on CloudTrail name them. */
const fields: Readonly<Record<string, string>> = {
  operation: 'eventName',
  'api.operation': 'eventName',
  'api.service.name': 'eventSource',
  region: 'awsRegion',
  'cloud.region': 'awsRegion',
  account: 'recipientAccountId',
  src_ip: 'sourceIPAddress',
  'src_endpoint.ip': 'sourceIPAddress',
  principal: 'userIdentity.arn',
  'actor.user.uid': 'userIdentity.arn',
  'actor.user.type': 'userIdentity.type',
  access_key: 'userIdentity.accessKeyId',
  'http_request.user_agent': 'userAgent',
  'api.response.error': 'errorCode',
  'api.response.message': 'errorMessage',
  'metadata.uid': 'eventID',
  origin: 'tocsin.actor.origin',
  status_id: 'status_id',
};

/** field is what a rule calls a column. */
function field(t: Test): { name: string; values: (string | number)[] } {
  if (t.column === 'status') {
    const ids = t.values.map((v) => ({ Success: 1, Failure: 2 })[String(v)]);
    if (!t.like && ids.every((id) => id !== undefined)) return { name: 'status_id', values: ids as number[] };
  }
  const name = fields[t.column];
  if (!name)
    throw new CannotError(
      `The column ${t.column.slice(0, 60)} is Tocsin's own and stands in no record: a rule cannot name it. It can name ${Object.keys(fields).slice(0, 8).join(', ')} and others.`,
    );
  return { name, values: t.values };
}

/** plainSigma writes a text so that a rule takes none of it for a wildcard. */
function plainSigma(text: string): string {
  return text.replace(/[\\*?]/g, '\\$&');
}

/** yaml is a value as YAML writes it: JSON is YAML. */
function yaml(v: string | number): string {
  return JSON.stringify(v).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** shape is a pattern as a modifier and what it is applied to: text before, after or around which anything may stand; else wildcards. */
function shape(list: Part[]): { modifier: string; value: string } {
  const wild = (p?: Part) => !!p && 'wild' in p && p.wild === '%';
  const [open, close] = [wild(list[0]), wild(list.at(-1))];
  const middle = list.slice(open ? 1 : 0, close && list.length > 1 ? -1 : undefined);
  const [only] = middle;
  if (middle.length === 1 && only && 'text' in only && (open || close))
    return {
      modifier: open && close ? '|contains' : open ? '|endswith' : '|startswith',
      value: plainSigma(only.text),
    };
  return {
    modifier: '',
    value: list.map((p) => ('text' in p ? plainSigma(p.text) : p.wild === '%' ? '*' : '?')).join(''),
  };
}

/** Selections collects tests under names of a detection. */
class Selections {
  readonly lines: string[] = [];
  private n = 0;

  private add(field: string, values: string[]): string {
    const name = `s${++this.n}`;
    this.lines.push(`    ${name}:`);
    if (values.length === 1) this.lines.push(`        ${field}: ${values[0]}`);
    else this.lines.push(`        ${field}:`, ...values.map((v) => `            - ${v}`));
    return name;
  }

  /** test is a condition that holds where the test holds in SQL: what is empty is not unlike a value. */
  test(t: Test): string {
    const { name, values } = field(t);
    if (t.values.length === 0) return this.add(`${name}|exists`, [t.empty ? 'false' : 'true']);
    let modifier = t.fold || t.values.every((v) => typeof v === 'number') || name === 'status_id' ? '' : '|cased';
    let written = values.map((v) => yaml(typeof v === 'string' ? plainSigma(v) : v));
    if (t.like) {
      const s = shape(parts(String(t.values[0]), t.escape));
      modifier = s.modifier + (t.fold ? '' : '|cased');
      written = [yaml(s.value)];
    }
    const selection = this.add(name + modifier, written);
    if (!t.not) return selection;
    if (t.empty) return `not ${selection}`;
    return `${this.add(`${name}|exists`, ['true'])} and not ${selection}`;
  }

  /** condition is a tree in Sigma's words. */
  condition(c: Condition): string {
    if (!('of' in c)) return this.test(c);
    return c.of
      .map((x) => {
        const said = this.condition(x);
        return 'of' in x || said.includes(' ') ? `(${said})` : said;
      })
      .join(c.all ? ' and ' : ' or ');
  }
}

/** Said is a question in another language, or why it cannot be had in it. */
export type Said = { text: string; no?: undefined } | { no: string; text?: undefined };

function tried(make: () => string): Said {
  try {
    return { text: make() };
  } catch (e) {
    if (e instanceof CannotError) return { no: e.message };
    throw e;
  }
}

/** toSigma is a filter as a Sigma rule of CloudTrail records. */
export function toSigma(filter: string): Said {
  return tried(() => {
    const s = new Selections();
    const condition = s.condition(read(filter));
    return `title: From a search
logsource:
    product: aws
    service: cloudtrail
detection:
${s.lines.join('\n')}
    condition: ${condition}
level: medium
`;
  });
}

/** path is where jq finds a column in a row of an answer. */
function path(column: string): string {
  return column
    .split('.')
    .map((p) => (/^[A-Za-z_]\w*$/.test(p) ? `.${p}` : `.[${JSON.stringify(p)}]`))
    .join('');
}

function pattern(list: Part[]): string {
  const body = list
    .map((p) => ('text' in p ? p.text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&') : p.wild === '%' ? '.*' : '.'))
    .join('');
  return `\\A(?:${body})\\z`;
}

function jqTest(t: Test): string {
  const at = path(t.column);
  if (t.values.length === 0) return `${at} ${t.empty ? '==' : '!='} null`;
  const one = JSON.stringify(t.values[0]);
  let holds =
    t.values.length === 1 ? `${at} == ${one}` : `(${at} | IN(${t.values.map((v) => JSON.stringify(v)).join(', ')}))`;
  if (t.like) {
    const flags = t.fold ? 'ip' : 'p';
    holds = `(${at} | type == "string" and test(${JSON.stringify(pattern(parts(String(t.values[0]), t.escape)))}; "${flags}"))`;
  }
  if (!t.not) return holds;
  const denied = t.values.length === 1 && !t.like ? `${at} != ${one}` : `(${holds} | not)`;
  return t.empty ? denied : `(${at} != null and ${denied})`;
}

function jqCondition(c: Condition): string {
  if (!('of' in c)) return jqTest(c);
  return c.of.map((x) => ('of' in x ? `(${jqCondition(x)})` : jqTest(x))).join(c.all ? ' and ' : ' or ');
}

/** toJq is a filter for jq, over rows of `tocsin search --format jsonl "SELECT * FROM events"`. */
export function toJq(filter: string): Said {
  return tried(() => `select(${jqCondition(read(filter))})`);
}
