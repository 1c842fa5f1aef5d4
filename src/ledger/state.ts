/** All that the log folds into. Changed by fold.ts (and by loading), read by the deciders. */
import { Accounts } from './accounts.js';
import { Books } from './books.js';
import { Chain } from './chain.js';
import type { LedgerSettings } from './command.js';
import { CurrencyTable } from './currency.js';
import type { KeyedHash } from './hash.js';
import { Journal } from './journal.js';
import { KeyWindow } from './keys/window.js';
import { Parents } from './parents.js';
import type { Micros, Position } from './record.js';

export class LedgerState {
  head: Position = 0;
  lastRecordedAt: Micros = 0;
  settings: LedgerSettings;
  readonly currencies: CurrencyTable;
  readonly accounts: Accounts;
  readonly books = new Books();
  readonly parents = new Parents();
  readonly keys: KeyWindow;
  readonly chain = new Chain();
  readonly journal = new Journal();
  /** How long keys are remembered, by the position from which on it holds. */
  readonly #keyWindows: { readonly from: Position; readonly keyWindow: Micros }[] = [];

  constructor(nameHash: KeyedHash, partitionRecords: number, settings: LedgerSettings) {
    this.accounts = new Accounts(nameHash);
    this.keys = new KeyWindow(partitionRecords);
    this.settings = settings;
    this.currencies = new CurrencyTable(settings.customCurrencies);
    this.#keyWindows.push({ from: 0, keyWindow: settings.keyWindow });
    this.keys.configure(settings);
  }

  /** @throws where a currency would change its meaning */
  configure(settings: LedgerSettings, position: Position): void {
    this.currencies.extend(settings.customCurrencies);
    this.settings = settings;
    this.#keyWindows.push({ from: position, keyWindow: settings.keyWindow });
    this.keys.configure(settings);
  }

  /** How long a key of the record at this position is remembered. */
  keyWindowAt(position: Position): Micros {
    let index = this.#keyWindows.length - 1;
    while (index > 0 && (this.#keyWindows[index] as { from: Position }).from > position) index--;
    return (this.#keyWindows[index] as { keyWindow: Micros }).keyWindow;
  }
}
