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
  rights: "r" | "w" | "rw";
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
  since?: number;
  keys?: number;
  revision?: number;
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
  onwritten: OfKey;
  onremoved: OfKey;
  onopen: OfKey;
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
