import type { CatalogSource } from '../../catalog/catalog.ts';
import { multivariantRenditions } from '../../hls/render-multivariant.ts';
import type { Trouble } from '../../media/error.ts';
import { MAIN } from '../../media/name.ts';
import type { SourceReport } from '../../wire/link-messages.ts';

/** The link to the edge that owns a source, as far as a source needs it. */
export interface OwnerLink {
  readonly edge: string;
  readonly spool: string;
  readonly open: boolean;
}

/** A playlist that names renditions, read once. */
type Described = { readonly text: string; readonly names: ReadonlySet<string> };

/** A source as control knows it: what the catalog keeps, and what its edge last said. */
export class Source {
  report: SourceReport | undefined;
  link: OwnerLink | undefined;
  /** Other edges that report the same name. */
  readonly rivals = new Set<string>();
  /** The renditions that control asks for now. */
  wanted: ReadonlySet<string> = new Set();
  #known: Described | undefined;

  constructor(public entry: CatalogSource) {}

  get name(): string {
    return this.entry.name;
  }

  get connected(): boolean {
    return this.link?.open ?? false;
  }

  /** Whether the spool that reports it may be forwarded: one that is not known must first be told the numbers in use. */
  get spoolKnown(): boolean {
    return this.link !== undefined && this.link.spool === this.entry.spool;
  }

  /** The playlist that names its renditions, as its edge made it; undefined where it has but one. */
  get multivariant(): string | undefined {
    return this.entry.multivariant;
  }

  /** Whether it has this rendition, or will: its edge has media of it, or its encoder names it. */
  has(rendition: string): boolean {
    if (this.report?.renditions.includes(rendition) === true) return true;
    const names = this.#described?.names;
    return names === undefined ? rendition === MAIN : names.has(rendition);
  }

  get #described(): Described | undefined {
    const { multivariant: text } = this.entry;
    if (text === undefined) return undefined;
    if (this.#known?.text === text) return this.#known;
    const names = multivariantRenditions(text).map((uri) => uri.replace(/\.m3u8$/, ''));
    this.#known = { text, names: new Set(names) };
    return this.#known;
  }

  get targetDuration(): number {
    return this.report?.targetDuration ?? 0;
  }

  /** As `contract.md` defines it. */
  get state(): 'live' | 'idle' | 'offline' {
    if (!this.connected || this.report?.sending !== true) return 'offline';
    return this.report.forwarding.length > 0 ? 'live' : 'idle';
  }

  get trouble(): Trouble | undefined {
    const { edge } = this.entry;
    if (this.rivals.size > 0) {
      const detail = `The edge ${[...this.rivals].join(', ')} reports this name, too; ${edge} keeps it.`;
      return {
        code: 'source_taken',
        detail,
        hint: 'Rename one of them, or free the name: livemix sources delete.',
      };
    }
    if (!this.connected) {
      const detail = `The edge ${edge} is not connected, or has had nothing of this source since it was started.`;
      const hint = 'Check that the edge runs and reaches this node, and the encoder.';
      return { code: 'edge_offline', detail, hint };
    }
    if (this.report?.trouble !== undefined) return this.report.trouble;
    if (this.report?.sending === true) return undefined;
    const detail = 'The edge is connected, but its encoder sends nothing.';
    return { code: 'source_silent', detail, hint: 'Check the encoder.' };
  }
}
