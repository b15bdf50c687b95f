// Renders the settings page: one card per form, and every fault at its field.

import { FIXED_ADDRESS, LED_TEST_SECONDS } from '../../../src/api/words.ts';
import type { HistoryAnswer } from '../../../src/api/past.ts';
import type { Settings } from '../../../src/api/box.ts';
import type { Fault } from '../../../src/api/refusal.ts';
import { filled } from '../dossier/eve-words.ts';
import { withFaults } from '../../fields.ts';
import type { FieldPath } from '../../fields.ts';
import { PASSWORD_LENGTH } from '../../owner/password.ts';
import { BOX_SHEETS } from '../../render.ts';
import type { Around, Renderer } from '../../render.ts';
import { allowRows, basisOf, fieldsOf, PARTS, valuesOf } from './settings-fields.ts';
import type { FormValues, Part } from './settings-fields.ts';
import { LED_CHOICES, SETTINGS_TEXTS as T } from './texts-settings.ts';
import { TEXTS } from '../../texts.ts';
import { grouped } from '../status/view-model.ts';

interface Refused {
  readonly part: Part;
  readonly values: FormValues;
  /** The form was made from settings that are no longer in force. */
  readonly isStale: boolean;
}

/** What the settings page shows. */
export interface SettingsParts extends Around {
  /** Undefined if they cannot be read; then only the parts that do not need them are shown. */
  readonly settings: Settings | undefined;
  readonly history: HistoryAnswer | undefined;
  /** The form that was refused, with its values. */
  readonly refused?: Refused | undefined;
  /** Name of the change that has just been made. */
  readonly done?: string | undefined;
}

/** The settings page as a whole document. A fault that belongs to a field is shown there, and not in the notice. */
export function settingsPage(renderer: Renderer, parts: SettingsParts): string {
  const { token, notice, settings, history, refused, done } = parts;
  const cards = settings === undefined ? [] : PARTS.map((part) => cardOf(renderer, part, settings, parts));
  const leftover = cards.flatMap(({ rest }) => rest);
  const marked = cards.some(({ isMarked }) => isMarked);
  // Faults shown at a field are not repeated in the notice.
  const shownNotice =
    notice === undefined || refused === undefined || settings === undefined
      ? notice
      : {
          message: marked && !refused.isStale ? T.faultsMarked : notice.message,
          faults: leftover.map(withoutLine),
        };
  const past = history === undefined || history.laxerPast === 0 ? undefined : grouped(history.laxerPast);
  return renderer.framed({
    title: `${T.title} · ${TEXTS.product}`,
    notice: shownNotice,
    here: '/settings',
    sheets: BOX_SHEETS,
    body: renderer.draw('settings', {
      w: T,
      cards,
      token,
      filled,
      past,
      done,
      lamps: LED_CHOICES,
      ledSeconds: LED_TEST_SECONDS,
      fixed: FIXED_ADDRESS,
      hasLed: settings !== undefined && settings.lamp !== 'none',
      account: renderer.draw('account', { token, length: PASSWORD_LENGTH, heading: false }),
    }),
  });
}

interface Card {
  readonly part: Part;
  readonly basis: string;
  readonly fields: string;
  readonly rows: readonly {
    readonly title: string;
    readonly fields: string;
    readonly faults: readonly string[];
  }[];
  readonly rest: readonly Fault[];
  readonly isMarked: boolean;
}

function cardOf(
  renderer: Renderer,
  part: Part,
  settings: Settings,
  { notice, refused }: SettingsParts,
): Card {
  const isRefused = refused?.part === part;
  const values = isRefused ? refused.values : valuesOf(settings);
  const faults = isRefused ? (notice?.faults ?? []) : [];
  const own = withFaults(fieldsOf(part, values), faults);
  const rows = part === 'rules' ? allowRows(values) : [];
  const drawn = rows.map((row, at) => {
    // A fault that concerns the whole row is shown at its first field.
    const [first, ...others] = row;
    const whole: readonly FieldPath[] =
      first === undefined ? [] : [{ ...first, path: `allow[${String(at)}]` }, ...others];
    return { title: filled(T.allowRow, { number: String(at + 1) }), ...withFaults(whole, own.rest) };
  });
  const claimed = new Set(drawn.flatMap(({ rest }) => own.rest.filter((fault) => !rest.includes(fault))));
  const draw = (fields: readonly unknown[]): string => renderer.draw('fields', { fields, form: part });
  return {
    part,
    basis: basisOf(part, settings),
    fields: draw(own.fields),
    rows: drawn.map(({ title, fields }) => ({
      title,
      fields: draw(fields),
      faults: fields.flatMap((field) => field.faults),
    })),
    rest: own.rest.filter((fault) => !claimed.has(fault)),
    isMarked: own.rest.length < faults.length || claimed.size > 0,
  };
}

function withoutLine({ path, message, remedy }: Fault): Fault {
  return { path, message, remedy };
}
