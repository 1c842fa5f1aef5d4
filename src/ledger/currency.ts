/**
 * Currencies: those of ISO 4217, and the operator's own. In the log a currency is its number: the numeric code of the
 * standard (up to 999), or 1001, 1002, … for the operator's in the order in which they first came.
 *
 * The exponent says how many decimal places the minor unit is away from the major one. Codes for which the standard
 * names none ("N.A.": precious metals, XDR, XSU, XUA, XTS, XXX, bond units) have 0 here: amounts of them count whole
 * units. Who needs grams or fractions of an ounce configures a currency of their own.
 */

export interface Currency {
  /** Three letters for ISO 4217; 3 to 12 of `A-Z0-9_` for the operator's own. */
  readonly code: string;
  readonly number: number;
  /** 0 to 18. */
  readonly exponent: number;
}

/** Exponent 2 unless said otherwise after the number. Funds codes and X-codes included; as of 2026, with BGN kept. */
const ISO_4217 = `
AED 784, AFN 971, ALL 8, AMD 51, AOA 973, ARS 32, AUD 36, AWG 533, AZN 944, BAM 977, BBD 52, BDT 50, BGN 975,
BHD 48 3, BIF 108 0, BMD 60, BND 96, BOB 68, BOV 984, BRL 986, BSD 44, BTN 64, BWP 72, BYN 933, BZD 84, CAD 124,
CDF 976, CHE 947, CHF 756, CHW 948, CLF 990 4, CLP 152 0, CNY 156, COP 170, COU 970, CRC 188, CUP 192, CVE 132,
CZK 203, DJF 262 0, DKK 208, DOP 214, DZD 12, EGP 818, ERN 232, ETB 230, EUR 978, FJD 242, FKP 238, GBP 826, GEL 981,
GHS 936, GIP 292, GMD 270, GNF 324 0, GTQ 320, GYD 328, HKD 344, HNL 340, HTG 332, HUF 348, IDR 360, ILS 376, INR 356,
IQD 368 3, IRR 364, ISK 352 0, JMD 388, JOD 400 3, JPY 392 0, KES 404, KGS 417, KHR 116, KMF 174 0, KPW 408,
KRW 410 0, KWD 414 3, KYD 136, KZT 398, LAK 418, LBP 422, LKR 144, LRD 430, LSL 426, LYD 434 3, MAD 504, MDL 498,
MGA 969, MKD 807, MMK 104, MNT 496, MOP 446, MRU 929, MUR 480, MVR 462, MWK 454, MXN 484, MXV 979, MYR 458, MZN 943,
NAD 516, NGN 566, NIO 558, NOK 578, NPR 524, NZD 554, OMR 512 3, PAB 590, PEN 604, PGK 598, PHP 608, PKR 586, PLN 985,
PYG 600 0, QAR 634, RON 946, RSD 941, RUB 643, RWF 646 0, SAR 682, SBD 90, SCR 690, SDG 938, SEK 752, SGD 702,
SHP 654, SLE 925, SOS 706, SRD 968, SSP 728, STN 930, SVC 222, SYP 760, SZL 748, THB 764, TJS 972, TMT 934, TND 788 3,
TOP 776, TRY 949, TTD 780, TWD 901, TZS 834, UAH 980, UGX 800 0, USD 840, USN 997, UYI 940 0, UYU 858, UYW 927 4,
UZS 860, VED 926, VES 928, VND 704 0, VUV 548 0, WST 882, XAD 396, XAF 950 0, XAG 961 0, XAU 959 0, XBA 955 0,
XBB 956 0, XBC 957 0, XBD 958 0, XCD 951, XCG 532, XDR 960 0, XOF 952 0, XPD 964 0, XPF 953 0, XPT 962 0, XSU 994 0,
XTS 963 0, XUA 965 0, XXX 999 0, YER 886, ZAR 710, ZMW 967, ZWG 924`;

/** Of ISO 4217, in order of their codes. */
export const ISO_CURRENCIES: readonly Currency[] = ISO_4217.split(',').map((entry) => {
  const [code = '', number, exponent = '2'] = entry.trim().split(' ');
  return { code, number: Number(number), exponent: Number(exponent) };
});

const isoByCode = new Map(ISO_CURRENCIES.map((currency) => [currency.code, currency]));
const isoByNumber = new Map(ISO_CURRENCIES.map((currency) => [currency.number, currency]));

/** Of ISO 4217 only; {@link CurrencyTable} knows the operator's too. */
export const currencyByCode = (code: string): Currency | undefined => isoByCode.get(code);
/** Of ISO 4217 only; {@link CurrencyTable} knows the operator's too. */
export const currencyByNumber = (number: number): Currency | undefined => isoByNumber.get(number);

export const FIRST_CUSTOM_NUMBER = 1001;

/** ISO 4217 and the operator's currencies. Grows only: a number once given keeps its meaning. */
export class CurrencyTable {
  readonly #custom: Currency[] = [];
  readonly #byCode = new Map<string, Currency>();

  constructor(custom: readonly { readonly code: string; readonly exponent: number }[] = []) {
    this.extend(custom);
  }

  /**
   * Adds those that are not known yet, in order. All or none.
   * @throws where a code is malformed, belongs to ISO 4217, or has been known with another exponent
   */
  extend(custom: readonly { readonly code: string; readonly exponent: number }[]): void {
    for (const { code, exponent } of custom) this.#check(code, exponent);
    for (const { code, exponent } of custom) {
      if (this.#byCode.has(code)) continue;
      const currency = { code, number: FIRST_CUSTOM_NUMBER + this.#custom.length, exponent };
      this.#custom.push(currency);
      this.#byCode.set(code, currency);
    }
  }

  #check(code: string, exponent: number): void {
    if (!/^[A-Z0-9_]{3,12}$/.test(code)) throw new Error(`currency code ${code}: 3 to 12 of A-Z, 0-9 and _`);
    if (!Number.isInteger(exponent) || exponent < 0 || exponent > 18) {
      throw new Error(`currency ${code}: the exponent is an integer from 0 to 18, not ${exponent}`);
    }
    if (isoByCode.has(code)) throw new Error(`currency ${code} belongs to ISO 4217 already`);
    const known = this.#byCode.get(code);
    if (known !== undefined && known.exponent !== exponent) {
      throw new Error(`currency ${code} has had exponent ${known.exponent} and keeps it`);
    }
  }

  byCode(code: string): Currency | undefined {
    return isoByCode.get(code) ?? this.#byCode.get(code);
  }

  byNumber(number: number): Currency | undefined {
    return isoByNumber.get(number) ?? this.#custom[number - FIRST_CUSTOM_NUMBER];
  }

  /** The operator's, in order of their numbers. */
  get custom(): readonly Currency[] {
    return this.#custom;
  }

  /** Forgets all beyond the first `count` of the operator's: for undoing an extension that did not come to stand. */
  truncate(count: number): void {
    for (const { code } of this.#custom.splice(count)) this.#byCode.delete(code);
  }
}
