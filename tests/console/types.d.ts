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
  since?: number;
  keys?: number;
  revision?: number;
}

interface ExportOptions {
  prefix: string;
  file: FileSystemFileHandle | null;
  signal: AbortSignal;
  onprogress: (lines: number, bytes: number) => void;
}

/** A key exists, for a mode, if its revision is at most `since`. */
interface ImportOptions {
  file: File;
  mode: "overwrite" | "create" | "skip";
  since: number | null;
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
