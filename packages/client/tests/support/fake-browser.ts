import type { ChannelLike, LocksLike, Sharing } from "../../src/platform.ts";
import { TestPlatform } from "./test-platform.ts";

interface Waiter {
  readonly grant: () => void;
  readonly tab: Tab;
}

interface Holder {
  readonly tab: Tab;
  readonly lose: (error: Error) => void;
}

/** One tab: its surroundings, and what the browser does to it. */
export class Tab {
  readonly platform: TestPlatform;
  readonly channels: Set<FakeChannel> = new Set();
  /** Messages that came while the tab was frozen. */
  readonly missed: (() => void)[] = [];
  isFrozen = false;
  readonly #browser: FakeBrowser;

  constructor(browser: FakeBrowser, platform: TestPlatform) {
    this.#browser = browser;
    this.platform = platform;
  }

  /** The tab is gone, as after a crash: nothing in it runs any more, and what it held is free. */
  die(): void {
    this.isFrozen = true;
    this.channels.clear();
    this.#browser.forget(this);
  }

  /** The tab stands still, and keeps its locks. */
  freeze(): void {
    this.isFrozen = true;
  }

  /** The tab goes on, and gets what came meanwhile. */
  thaw(): void {
    this.isFrozen = false;
    for (const run of this.missed.splice(0)) run();
  }
}

class FakeChannel implements ChannelLike {
  onmessage: ((event: never) => unknown) | null = null;
  readonly name: string;
  readonly tab: Tab;
  readonly #browser: FakeBrowser;

  constructor(browser: FakeBrowser, tab: Tab, name: string) {
    this.#browser = browser;
    this.tab = tab;
    this.name = name;
    tab.channels.add(this);
  }

  postMessage(message: unknown): void {
    this.#browser.post(this, structuredClone(message));
  }

  close(): void {
    this.tab.channels.delete(this);
  }
}

/** A browser with tabs, whose locks and channels work as the platform's do. */
export class FakeBrowser {
  readonly tabs: Tab[] = [];
  readonly #holders = new Map<string, Holder>();
  readonly #waiting = new Map<string, Waiter[]>();

  /** Opens a tab. */
  open(): Tab {
    const platform = new TestPlatform();
    platform.chance = (this.tabs.length + 1) / 100;
    const tab = new Tab(this, platform);
    const sharing: Sharing = {
      locks: this.#locksOf(tab),
      channel: (name) => new FakeChannel(this, tab, name),
    };
    platform.sharing = sharing;
    this.tabs.push(tab);
    return tab;
  }

  /** Lets time pass in all tabs that live. */
  async advance(ms: number): Promise<void> {
    const step = 100;
    for (let passed = 0; passed < ms; passed += step) {
      for (const { isFrozen, platform } of this.tabs) {
        if (isFrozen) platform.skip(Math.min(step, ms - passed));
        else await platform.advance(Math.min(step, ms - passed));
      }
    }
  }

  /** Carries a message to the other tabs, in order. */
  post(from: FakeChannel, message: unknown): void {
    for (const tab of this.tabs) {
      if (tab === from.tab) continue;
      for (const channel of tab.channels) {
        if (channel.name !== from.name) continue;
        const run = (): unknown => channel.onmessage?.({ data: message } as never);
        queueMicrotask(() => (tab.isFrozen ? tab.missed.push(run) : run()));
      }
    }
  }

  /** Frees what a dead tab held. */
  forget(tab: Tab): void {
    for (const [name, waiting] of this.#waiting) {
      this.#waiting.set(
        name,
        waiting.filter((waiter) => waiter.tab !== tab),
      );
    }
    for (const [name, holder] of this.#holders) {
      if (holder.tab !== tab) continue;
      this.#holders.delete(name);
      this.#next(name);
    }
  }

  #locksOf(tab: Tab): LocksLike {
    return {
      request: (name, { signal, steal }, run) =>
        new Promise((resolve, reject) => {
          const grant = (): void => {
            const holder: Holder = {
              tab,
              lose: (error) => {
                if (tab.isFrozen) tab.missed.push(() => reject(error));
                else reject(error);
              },
            };
            this.#holders.set(name, holder);
            queueMicrotask(() => {
              void run().then(() => {
                resolve(null);
                if (this.#holders.get(name) !== holder) return;
                this.#holders.delete(name);
                this.#next(name);
              });
            });
          };
          const current = this.#holders.get(name);
          if (steal) {
            grant();
            current?.lose(new DOMException("taken", "AbortError"));
            return;
          }
          if (!current) return grant();
          const waiter = { grant, tab };
          this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), waiter]);
          signal?.addEventListener("abort", () => {
            this.#waiting.set(
              name,
              (this.#waiting.get(name) ?? []).filter((other) => other !== waiter),
            );
            reject(new DOMException("left", "AbortError"));
          });
        }),
    };
  }

  #next(name: string): void {
    const [first, ...rest] = this.#waiting.get(name) ?? [];
    this.#waiting.set(name, rest);
    first?.grant();
  }
}
