/** YAML that the operator writes. */
import { parseDocument } from 'yaml';

/**
 * The content of a document; null for an empty one. What the library only warns of is a mistake here too: a tag that
 * means nothing was to mean something.
 * @throws Error with the first mistake
 */
export function contentOf(text: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true });
  const mistake = document.errors[0] ?? document.warnings[0];
  if (mistake !== undefined) throw mistake;
  return document.toJS();
}
