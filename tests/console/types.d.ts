// Types that several modules of the console share. JSDoc names them; nothing is shipped.

/** A view is left when its signal is aborted: give it to calls, listeners and timers. */
interface Context {
  path: string;
  query: URLSearchParams;
  signal: AbortSignal;
}

/** `update` is called instead of the view when only the rest of its address changes. */
interface Shown {
  element: HTMLElement;
  update?: (context: Context) => void;
}

type View = (context: Context) => Shown | Promise<Shown>;

/** What an element contains. */
type Child = Node | string | number | null | undefined | false | Child[];

interface Grant {
  prefix: string;
  /** "r", "w" or "rw" */
  rights: string;
}

interface User {
  username: string;
  /** Seconds since 1970. */
  created_at: number;
  grants: Grant[];
  administrator?: boolean;
}

interface Account extends User {
  disabled: boolean;
}

/** The keys of a page in byte order; deeper ones are combined by their prefixes. */
interface Page {
  keys: string[];
  /** `keys` null: more than 1,000 */
  prefixes?: { prefix: string; keys: number | null }[];
  details: Record<string, { size: number; revision: number; ttl?: number }>;
  next: string | null;
}

/** The exact JSON text of a value; its remaining seconds. */
interface Value {
  text: string;
  revision: number;
  ttl: number | null;
}

/** Revisions that keys must have; null: a key must not exist. */
type Conditions = Record<string, number | null>;

/** `data`: keys and the exact JSON texts of their values. */
interface Change {
  revision: number;
  data: [string, string][];
  deleted: string[];
}

/** Nothing follows "ended", which has a problem, until it is asked to go on. */
type FollowingState = "connecting" | "open" | "waiting" | "paused" | "ended";

/** `since` null: from now on. */
interface Following {
  prefix: string;
  since?: string | null;
  signal: AbortSignal;
  onchange: (change: Change) => void;
  onstate: (state: FollowingState, problem?: any) => void;
}

/** An entry of a history; `text` null: deleted or expired. */
interface Version {
  revision: number;
  at: number | null;
  by: string | null;
  expired?: boolean;
  text: string | null;
}

/** A report of an import, the last line of an export, or the problem that ended it. */
interface TransferLine {
  end?: true;
  code?: string;
  line?: number;
  written?: number;
  skipped?: number;
  keys?: number;
  revision?: number;
}

interface ExportOptions {
  prefix: string;
  file: FileSystemFileHandle | null;
  signal: AbortSignal;
  onprogress: (lines: number, bytes: number) => void;
}

interface ImportOptions {
  file: File;
  mode: string;
  signal: AbortSignal;
  onprogress: (sent: number, report: TransferLine) => void;
}

interface AccessToken {
  id: number;
  name: string;
  /** null: all rights of the account */
  grants: Grant[] | null;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
}

/** What `fetch` gets for a call of the service. */
interface CallOptions {
  json?: unknown;
  body?: BodyInit;
  /** Members that are null are left out. */
  query?: Record<string, any>;
  signal?: AbortSignal;
  /** Sends no token. */
  anonymous?: boolean;
}

interface ListOptions {
  prefix: string;
  after?: string | null;
  delimiter?: string;
  limit?: number;
  signal?: AbortSignal;
}

/** A write of keys and JSON texts. A key without a ttl never expires. */
interface Write {
  data?: [key: string, text: string][];
  deleted?: string[];
  conditions?: Conditions;
  ttls?: Record<string, number | null>;
}

/** A page of a history, which has every change after `oldest`. */
interface HistoryPage {
  changes: Version[];
  oldest: number;
  next: number | null;
}

/** A token of a JSON text. */
interface Token {
  kind: "string" | "number" | "literal" | "mark";
  start: number;
  end: number;
}

/** Lines of two texts; the numbers of the first ones begin at 1. */
interface Block {
  kind: "same" | "changed";
  left: string[];
  right: string[];
  leftLine: number;
  rightLine: number;
}

/** `label` and `hint`; other options are attributes of the input. */
interface FieldOptions extends Record<string, any> {
  label: string;
  hint?: string;
  tag?: "input" | "textarea";
}

/** `submit` may throw: the error is shown, and the fields keep their text. */
interface FormOptions {
  body: Child;
  label: string;
  danger?: boolean;
  submit: () => unknown;
  cancel?: () => void;
}

/** When the dialog is closed after `submit`, the function that this returns runs. */
interface FormDialogOptions extends Omit<FormOptions, "label" | "cancel"> {
  title: string;
  label?: string;
  onclose?: () => void;
}

/** `typed`: a text that the user has to type. */
interface ConfirmOptions {
  title: string;
  text: Child;
  action: string;
  danger?: boolean;
  typed?: string;
}

interface Shortcut {
  /** As in KeyboardEvent.key; "Mod+s" for Ctrl+S and Command+S. */
  key: string;
  label: string;
  run: (event: KeyboardEvent) => void;
}

/** Where the router shows the views. */
interface Frame {
  outlet: HTMLElement;
  setCurrent: (route: string) => void;
}

/** A card of the page for imports and exports. */
interface Transfer {
  title: string;
  sign: string;
  text: string;
  fields: Child;
  left: AbortSignal;
  /** Returns what the result says; `part`: 0 to 1. */
  work: (
    signal: AbortSignal,
    show: (words: string, part?: number) => void,
  ) => Promise<string>;
  /** What an error means; `why`: in words. */
  explain: (error: any, why: string) => Child;
}

/**
 * A row of the list of keys: a key, a prefix of deeper keys, or what is not loaded yet
 * of the level with the prefix `key`. `depth`: of its level in a tree, from 0.
 */
interface Row {
  kind: "key" | "prefix" | "more";
  key: string;
  depth: number;
  /** Of a key. `expires`: milliseconds since 1970; Infinity: never */
  size: number;
  revision: number;
  expires: number;
  /** Of a prefix: how many keys there are; null: more than 1,000 */
  count: number | null;
  isOpen: boolean;
  /** Of what is not loaded yet. */
  after: string | null;
  /** Undefined: not asked for; null: it loads. */
  error?: unknown;
}

type Place = import("../../service/console/views/keys/place.js").Place;

/** What is stored under a key; `revision` null: nothing. */
interface Entry {
  key: string;
  text: string;
  revision: number | null;
  /** Bytes. */
  size: number;
  /** Seconds that remain; null: it never expires. */
  readonly ttl: number | null;
  readonly isExpired: boolean;
  /** Fails if somebody else has changed it. */
  write(text: string, ttl?: number | null): Promise<Entry>;
}

/** What the value pane reports, and the signal until which it is shown. */
interface PaneOptions {
  key: string;
  signal: AbortSignal;
  /** `shown`: the key to show then. */
  onwritten(key: string, shown?: string): void;
  onremoved: OfKey;
  onclose(): void;
}

/** `signal` is aborted when something else is shown in the pane. */
interface Pane extends PaneOptions {
  /** What is stored; null: nothing, or it is not read yet. */
  entry: Entry;
  isEditing: boolean;
  /** The revision of the newest change that was reported. */
  newest: number;
  load(): Promise<void>;
  /** Shows what is stored. */
  show(entry: Entry | null, isEditing?: boolean): void;
  /** Says whether what is shown is out of date. */
  report(revision?: number, isDeleted?: boolean): void;
  /** Shows what is stored now, unless an edit has begun. */
  written(entry: Entry | null): void;
}

/** An entry to be: without a revision the key does not exist. */
interface Stored {
  text?: string;
  revision?: number | null;
  ttl?: number | null;
}

type OfKey = (key: string) => void;

/** A dialog that asks for a name; `save` fails if a key has it. */
interface KeyQuestion {
  title: string;
  label?: string;
  name: string;
  more?: Child;
  save(key: string): Promise<unknown>;
  done: OfKey;
}

type Values = Record<string, string | number>;
type Props = Record<string, any>;
type Tags = HTMLElementTagNameMap;
type Problem = import("../../service/console/api/problem.js").Problem;

/** The types of exported functions, by their names. */
declare namespace kv {
  // locale.js
  type t = (english: string, russian: string, values?: Values) => string;
  type tn = (n: number, english: [one: string, many: string], russian: [one: string, few: string, many: string], values?: Values) => string;
  // api/accounts.js
  type takeToken = (path: string, options?: CallOptions, keep?: boolean) => Promise<void>;
  type signIn = (username: string, password: string, keep: boolean, isNew?: boolean) => Promise<void>;
  type loadUser = (signal?: AbortSignal) => Promise<void>;
  type administer = (method: string, path: string, options: CallOptions) => Promise<any>;
  // api/client.js
  type onSessionEnd = (ask: () => Promise<boolean>) => () => Promise<boolean>;
  type authorization = () => Record<string, string>;
  type urlOf = (path: string, query?: Record<string, any>) => URL;
  type call = (method: string, path: string, options?: CallOptions) => Promise<{
    headers: Headers;
    text: string;
  }>;
  type callJson = (method: string, path: string, options?: CallOptions) => Promise<any>;
  type open = <T>(method: string, path: string, options: CallOptions | undefined, read: (reply: Response) => Promise<T>) => Promise<T>;
  // api/keys.js
  type listPage = (options: ListOptions) => Promise<Page>;
  type readKey = (key: string, signal?: AbortSignal) => Promise<Value | null>;
  type deleteKeys = (keys: string[], conditions?: Conditions, signal?: AbortSignal) => Promise<number>;
  type incrementKey = (key: string, by: string) => Promise<{
    headers: Headers;
    text: string;
  }>;
  type historyOf = (key: string, before: number | null, signal?: AbortSignal, limit?: number) => Promise<HistoryPage>;
  // api/problem.js
  type problemOf = (status: number, text: string, retryAfter: string | null) => Problem;
  type hasCode = (error: any, code: string) => boolean;
  // api/transfer.js
  type exportKeys = (options: ExportOptions) => Promise<{
    last: TransferLine;
    blob: Blob | null;
  }>;
  type importFile = (options: ImportOptions) => Promise<TransferLine>;
  // app/frame.js
  type languageSelect = (onchange: (code: string) => void) => HTMLSelectElement;
  type buildFrame = (onlanguage: (code: string) => void, onsignout: () => void) => {
    outlet: HTMLElement;
    setCurrent: (route: string) => void;
  };
  // app/router.js
  type keyHref = (key: string) => string;
  type go = (hash: string) => undefined;
  type guardLeaving = (ask: () => Promise<boolean>, signal: AbortSignal) => void;
  type startRouter = (views: Record<string, View>) => void;
  type setFrame = (next: Frame | null) => void;
  // app/shortcuts.js
  type shortcut = (key: string, label: string, run: Shortcut["run"], signal?: AbortSignal) => void;
  // text/diff.js
  type shownText = (text: string) => string;
  type diffLines = (a: string, b: string) => Block[];
  type withLineEnds = (original: string, shown: string) => string;
  // text/format.js
  type size = (bytes: number) => string;
  type duration = (seconds: number) => string;
  type time = (instant: number) => string;
  // text/json-text.js
  type format = (text: string, isCompact?: boolean) => string;
  type entries = (text: string) => [name: string, text: string][];
  type elements = (text: string) => string[];
  type memberText = (text: string, name: string) => string | undefined;
  // text/problems.js
  type describe = (error: any) => string;
  // text/tokenizer.js
  type tokenize = (text: string) => Generator<Token, void>;
  type parse = (text: string) => Generator<Token, void>;
  // ui/button.js
  type button = (label: Child, run: () => unknown, kind?: string, sign?: string) => HTMLButtonElement;
  type attempt = (run: () => unknown, done?: string) => Promise<void>;
  // ui/dialog.js
  type openDialog = (title: string, body: Child, { onclose, ...options }?: {
    class?: string;
    onclose?: () => void;
  }) => any;
  // ui/dom.js
  type h = <T extends string>(tag: T, ...rest: (Child | Props)[]) => T extends keyof Tags ? Tags[T] : T extends `${infer K extends keyof Tags}.${string}`
    ? Tags[K] : HTMLElement;
  type fill = (element: Element, ...children: Child[]) => void;
  // ui/form.js
  type field = (options: FieldOptions) => {
    element: HTMLDivElement;
    input: HTMLInputElement;
  };
  type form = (options: FormOptions) => HTMLFormElement;
  type formDialog = (options: FormDialogOptions) => void;
  type confirmDialog = (options: ConfirmOptions) => Promise<boolean>;
  // ui/icon.js
  type icon = (name: string) => SVGSVGElement;
  // ui/loading.js
  type failed = (error: unknown, again: () => unknown) => HTMLDivElement;
  // ui/notices.js
  type saveFile = (blob: Blob, name: string) => void;
  type announce = (text: string) => void;
  type notify = (text: string, kind?: "success" | "error" | "info") => void;
  // views/sign-in.js
  type signInAgain = () => Promise<boolean>;
  type showSignIn = (onlanguage: (code: string) => void, message: string) => void;
  // views/accounts/account.js
  type accountPage = (account: Account | null) => HTMLElement;
  // views/accounts/shared.js
  type badges = (options: Partial<Account>) => (string | false | HTMLSpanElement | undefined)[];
  type created = ({ created_at: at }: {
    created_at: number;
  }) => string;
  type deleteButton = (name: string, run: any, more?: () => Child) => HTMLButtonElement;
  // views/accounts/tokens.js
  type tokensCard = (signal: AbortSignal) => Promise<{
    reload: () => Promise<void>;
    element: HTMLElement;
  }>;
  // views/keys/value/diff-view.js
  type diffView = (before: string, after: string) => HTMLPreElement;
  // views/keys/value/entry.js
  type entryOf = (key: string, { text, revision, ttl }?: Stored) => Entry;
  type readEntry = (key: string, signal?: AbortSignal) => Promise<Entry | null>;
  type save = (pane: Pane, text: string) => any;
  // views/keys/value/index.js
  type showValue = (options: PaneOptions) => HTMLElement;
  // views/keys/value/new-key.js
  type askKey = (options: KeyQuestion) => void;
  type openNewKey = ({ prefix, oncreated }: {
    prefix: string;
    oncreated: OfKey;
  }) => void;
  // views/keys/value/text.js
  type keyButton = (key: string, label: string, run: () => unknown, signal: any, kind?: string, sign?: string) => HTMLButtonElement;
  // views/status/figures.js
  type chart = (label: any, format: (value: number) => string) => {
    add: (now: any, latest: any) => void;
    element: HTMLElement;
  };
}
