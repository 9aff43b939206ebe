import { listFlags, removeFlag } from "../../api/catalog";
import { person } from "../../api/session";
import type { ImageRecord, ImageSummary } from "../../api/types";
import { FLAG_WORDS } from "../../lib/flags";
import { formatCount, formatDate, formatWhen } from "../../lib/format";
import { withQuery } from "../../lib/url";
import { assessmentWords, densityWords, viewName } from "../../lib/vocabulary";
import { PRESETS } from "../../lib/window";
import { FlagForm } from "../../shell/flag-form";
import { type Neighbours, results } from "../../shell/results";
import { Icon, type IconName } from "../../ui/icon";
import { Menu } from "../../ui/menu";
import { useResource } from "../../ui/resource";
import { cell } from "./record";
import {
  carriedParameters,
  chosenWindow,
  inverted,
  type Layout,
  resetView,
  roisShown,
  setInverted,
  setLayout,
  setRoisShown,
  setWindow,
  type Tool,
} from "./state";

function ExamHeader({ record, code }: { record: ImageRecord; code: string | null }) {
  const { exam, image } = record;
  const date = cell(exam.study_date_anon ?? image.study_date_anon);
  const age = Number(exam.age_at_study ?? Number.NaN);
  const density = densityWords(cell(exam.tissueden));
  const facts = [
    date && formatDate(date),
    Number.isFinite(age) ? `${Math.floor(age)} years` : null,
    density && `density ${density}`,
    code && assessmentWords(code),
    cell(exam.desc),
  ].filter(Boolean);
  return (
    <p class="exam-line">
      <strong>{viewName(cell(image.ImageLateralityFinal), cell(image.ViewPosition))}</strong>
      <span class="soft">{facts.join(" · ")}</span>
    </p>
  );
}

function Toggle(props: { icon: IconName; label: string; pressed: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      class="button quiet icon"
      aria-pressed={props.pressed}
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** Flags on this image, and a form for one more. */
function Flags({ record }: { record: ImageRecord }) {
  const flags = useResource(`flags ${record.image_id}`, async (aborted) => {
    return (await listFlags(record.dataset, record.image_id, aborted)).items;
  });
  const known = flags.data ?? [];
  const mine = (author: string): boolean =>
    author === person.value?.person_id || person.value?.role === "admin";
  return (
    <Menu
      class="end flags"
      label={known.length ? `Flags of this image: ${known.length}` : "Flag this image (g)"}
      button={
        <>
          <Icon name="flag" />
          {known.length > 0 && <span>{known.length}</span>}
        </>
      }
    >
      {known.length > 0 && (
        <ul class="flag-list" aria-label="Flags of this image" data-stays>
          {known.map((flag) => (
            <li key={flag.flag_id} class="row">
              <span class="grow">
                <strong>{FLAG_WORDS[flag.kind]}</strong>
                {flag.note && `: ${flag.note}`}
                <br />
                <span class="faint">
                  {flag.author_name}, {formatWhen(flag.created_at)}
                </span>
              </span>
              {mine(flag.author) && (
                <button
                  type="button"
                  class="button quiet icon"
                  aria-label={`Remove the flag ${FLAG_WORDS[flag.kind]}`}
                  onClick={() => void removeFlag(flag.flag_id).finally(flags.reload)}
                >
                  <Icon name="trash" size={14} />
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      <FlagForm imageIds={[record.image_id]} onFlagged={flags.reload} />
    </Menu>
  );
}

function Presets({ record }: { record: ImageRecord }) {
  const chosen = chosenWindow.value;
  const same = (of: ReturnType<(typeof PRESETS)[number]["of"]>): boolean =>
    of === null ? chosen === null : of.center === chosen?.center && of.width === chosen.width;
  const active = PRESETS.find((preset) => same(preset.of(record.image)));
  return (
    <select
      class="select presets"
      aria-label="Window"
      title="Window (1 to 5)"
      value={active?.key ?? "own"}
      onChange={(event) => {
        const preset = PRESETS.find((one) => one.key === event.currentTarget.value);
        if (preset) setWindow(preset.of(record.image));
      }}
    >
      {!active && <option value="own">Own window</option>}
      {PRESETS.map((preset) => (
        <option key={preset.key} value={preset.key}>
          {preset.name}
        </option>
      ))}
    </select>
  );
}

function Stepper({ neighbours }: { neighbours: Neighbours }) {
  const { place, previous, next } = neighbours;
  const address = (image: ImageSummary): string =>
    withQuery(`/images/${image.image_id}`, carriedParameters());
  const total = results.value.total;
  if (!previous && !next) return null;
  const side = (image: ImageSummary | null, icon: "left" | "right", words: string, key: string) =>
    image ? (
      <a
        class="button quiet icon"
        href={address(image)}
        aria-label={words}
        title={`${words} (${key})`}
      >
        <Icon name={icon} />
      </a>
    ) : (
      <span class="button quiet icon" aria-hidden="true" />
    );
  return (
    <div class="row stepper">
      {side(previous, "left", "Previous image", "k")}
      {place >= 0 && total !== null && (
        <span class="soft">
          {formatCount(place + 1)} of {formatCount(total)}
        </span>
      )}
      {side(next, "right", "Next image", "j")}
    </div>
  );
}

const TOOLS: readonly { tool: Tool; icon: IconName; label: string }[] = [
  { tool: "window", icon: "window", label: "Drag changes the window (w)" },
  { tool: "pan", icon: "move", label: "Drag moves the picture (p)" },
  { tool: "measure", icon: "measure", label: "Measure (m)" },
];

interface BarProps {
  readonly record: ImageRecord | undefined;
  readonly code: string | null;
  readonly back: string;
  readonly hangs: boolean;
  readonly layout: Layout;
  readonly neighbours: Neighbours;
  readonly tool: Tool;
  readonly onTool: (tool: Tool) => void;
  readonly loupe: boolean;
  readonly onLoupe: () => void;
  readonly synced: boolean;
  readonly onSync: () => void;
  readonly onTwin: (() => void) | null;
}

/** Way back, what exam this is, the tools, and the steps through the search. */
export function CaseBar(props: BarProps) {
  const { record, code, hangs, layout } = props;
  return (
    <div class="case-bar">
      <a class="button quiet" href={props.back} title="Back to the images (Esc)">
        <Icon name="left" /> Images
      </a>
      {record && <ExamHeader record={record} code={code} />}
      <div class="row tools" role="toolbar" aria-label="Viewer tools">
        {record && <Presets record={record} />}
        {TOOLS.map((one) => (
          <Toggle
            key={one.tool}
            icon={one.icon}
            label={one.label}
            pressed={props.tool === one.tool}
            onClick={() => props.onTool(one.tool)}
          />
        ))}
        <Toggle
          icon="loupe"
          label="Loupe at full pixels (l)"
          pressed={props.loupe}
          onClick={props.onLoupe}
        />
        <span class="tools-gap" />
        {hangs && (
          <>
            <Toggle
              icon="four"
              label="Four views (f)"
              pressed={layout === "four"}
              onClick={() => setLayout("four")}
            />
            <Toggle
              icon="one"
              label="One picture (f)"
              pressed={layout === "one"}
              onClick={() => setLayout("one")}
            />
            <Toggle
              icon="link"
              label="Zoom all views together (s)"
              pressed={props.synced}
              onClick={props.onSync}
            />
          </>
        )}
        {props.onTwin && (
          <Toggle
            icon="twin"
            label="2D or C-View (v)"
            pressed={record?.image.FinalImageType === "cview"}
            onClick={props.onTwin}
          />
        )}
        <Toggle
          icon="roi"
          label="ROI boxes (r)"
          pressed={roisShown.value}
          onClick={() => setRoisShown(!roisShown.value)}
        />
        <Toggle
          icon="invert"
          label="Invert (i)"
          pressed={inverted.value}
          onClick={() => setInverted(!inverted.value)}
        />
        <button
          type="button"
          class="button quiet icon"
          aria-label="Reset the view (0)"
          title="Reset the view (0)"
          onClick={resetView}
        >
          <Icon name="reset" />
        </button>
        {record && <Flags record={record} />}
      </div>
      <Stepper neighbours={props.neighbours} />
    </div>
  );
}
