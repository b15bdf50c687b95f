// Knows: in which forms a report can be had: command line and page share them. Must not know: how any form is written.
// Media types: RFC 2046, RFC 8259, RFC 4180, WHATWG HTML; one JSON value a line has none that is registered.

import type { ReportFormat } from '../../src/api/words.ts';
import { reportCsv, reportEve, reportJson, reportText } from './report-formats.ts';
import type { Report } from './report-formats.ts';
import { reportHtml } from './report-html.ts';

interface ReportForm {
  readonly type: string;
  readonly write: (report: Report) => string;
}

export const REPORTS: Readonly<Record<ReportFormat, ReportForm>> = {
  text: { type: 'text/plain; charset=utf-8', write: reportText },
  json: { type: 'application/json', write: reportJson },
  csv: { type: 'text/csv; charset=utf-8', write: reportCsv },
  html: { type: 'text/html; charset=utf-8', write: reportHtml },
  eve: { type: 'application/x-ndjson', write: reportEve },
};
