// The report formats, shared by the command line and the page.
// Media types: RFC 2046, RFC 8259, RFC 4180, WHATWG HTML; for one JSON value per line none is registered.

import type { ReportFormat } from '../../src/api/words.ts';
import { reportCsv, reportEve, reportJson, reportText } from './report-formats.ts';
import type { Report } from './report-formats.ts';
import { reportHtml } from './report-html.ts';

interface ReportForm {
  readonly type: string;
  readonly write: (report: Report) => string;
}

/** For each format its media type and what writes it; texts are sent as UTF-8. */
export const REPORTS: Readonly<Record<ReportFormat, ReportForm>> = {
  text: { type: 'text/plain; charset=utf-8', write: reportText },
  json: { type: 'application/json', write: reportJson },
  csv: { type: 'text/csv; charset=utf-8', write: reportCsv },
  html: { type: 'text/html; charset=utf-8', write: reportHtml },
  eve: { type: 'application/x-ndjson', write: reportEve },
};
