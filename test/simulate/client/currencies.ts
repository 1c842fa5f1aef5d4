/** What money is counted in: two currencies of the standard, and the operator's own, which come with new settings. */
import type { SimulatedCommand } from '../history.js';

export interface Currency {
  readonly currency: number;
  readonly currencyCode: string;
}

export const EUR: Currency = { currency: 978, currencyCode: 'EUR' };
export const USD: Currency = { currency: 840, currencyCode: 'USD' };

export const FIRST_OWN_CURRENCY = 1001;
/** The operator's own, in the order in which they come. */
export const OWN_CURRENCIES = [
  { code: 'POINTS', exponent: 0 },
  { code: 'MILES', exponent: 3 },
] as const;

export const ownCurrency = (index: number): Currency => ({
  currency: FIRST_OWN_CURRENCY + index,
  currencyCode: OWN_CURRENCIES[index]?.code ?? '',
});

/** Those that a command names by themselves, and not by its accounts. */
export function currenciesOf(command: SimulatedCommand): readonly number[] {
  switch (command.type) {
    case 'post':
      return command.legs.map(({ currency }) => currency);
    case 'atomic_batch':
      return command.items.flatMap(({ legs }) => legs.map(({ currency }) => currency));
    case 'open_accounts':
      return command.accounts.map(({ currency }) => currency);
    default:
      return [];
  }
}
