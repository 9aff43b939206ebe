import type { ImageRecord, Model } from "../../api/types";
import { INFLATED } from "../../lib/comparing";
import { formatFigure, formatPercent } from "../../lib/format";
import { explains, trainedOtherwise } from "../../lib/trained";
import { ProblemNote } from "../../ui/problem";
import type { Asked } from "./asked";
import {
  METHODS,
  type Method,
  method,
  model as modelAsked,
  opacity,
  setMethod,
  setModel,
  setOpacity,
} from "./state";

function ModelChoice({ models }: { models: readonly Model[] }) {
  const known = models.some((one) => one.model_id === modelAsked.value);
  return (
    <div class="field">
      <label class="label" for="case-model">
        Ask a trained model
      </label>
      <select
        id="case-model"
        class="select"
        value={known ? (modelAsked.value ?? "") : ""}
        onChange={(event) => setModel(event.currentTarget.value || null)}
      >
        <option value="">None</option>
        {models.map((one) => (
          <option key={one.model_id} value={one.model_id}>
            {one.name} ({one.classes.join(" or ")})
          </option>
        ))}
      </select>
      {modelAsked.value && !known && (
        <p class="wrong">The model of this link is not there, or was trained on an array.</p>
      )}
    </div>
  );
}

function Warnings({ record, asked }: { record: ImageRecord; asked: Asked }) {
  if (!asked.model) return null;
  const found = trainedOtherwise(record, asked.model, asked.cohort);
  if (found.length === 0) return null;
  return (
    <ul class="note warning" aria-label="Warnings about this model">
      {found.map((warning) => (
        <li key={warning}>{warning}</li>
      ))}
    </ul>
  );
}

/** Before any figure: whether the image can tell how good the model is. */
function Met({ asked }: { asked: Asked }) {
  const { data, error, stale } = asked.acquaintance;
  if (error && !stale)
    return (
      <p class="note warning">
        Whether it was trained on this image cannot be told: {error.message}
      </p>
    );
  if (!data) return null;
  return (
    <p class={data.knows ? "note warning" : "soft"} role="status">
      <strong>{data.name}.</strong> {data.words}
    </p>
  );
}

/** By class, the likeliest first. */
function Probabilities({ probs }: { probs: Readonly<Record<string, number>> }) {
  const sorted = Object.entries(probs).sort(([, a], [, b]) => b - a);
  return (
    <table class="probs" aria-label="Class probabilities">
      <tbody>
        {sorted.map(([name, share], place) => (
          <tr key={name} class={place === 0 ? "said" : ""}>
            <th scope="row">{name}</th>
            <td class="prob-bar" aria-hidden="true">
              <span style={{ "--share": `${share * 100}%` }} />
            </td>
            <td class="number">{formatPercent(share)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Said({ record, asked }: { record: ImageRecord; asked: Asked }) {
  const { data, error, stale, reload } = asked.predictions;
  const said = data?.predictions.find((one) => one.image_id === record.image_id);
  if (said) return <Probabilities probs={said.probs} />;
  if (error && !stale) return <ProblemNote error={error} retry={reload} />;
  if (data?.missing.includes(record.image_id))
    return <p class="soft">It cannot be asked: this image has no picture that can be read.</p>;
  return (
    <p class="soft" role="status">
      Asking. The first answer after a while takes some seconds: the network is loaded.
    </p>
  );
}

function HeatControls({ asked }: { asked: Asked }) {
  const chosen = method.value;
  const { error, stale, reload, data } = asked.heat;
  return (
    <>
      <div class="field">
        <label class="label" for="case-heat">
          What it went by (a)
        </label>
        <select
          id="case-heat"
          class="select"
          value={chosen ?? ""}
          onChange={(event) => setMethod((event.currentTarget.value || null) as Method | null)}
        >
          <option value="">Not shown</option>
          {METHODS.filter((one) => explains(one.key, asked.model?.architecture ?? "")).map(
            (one) => (
              <option key={one.key} value={one.key}>
                {one.name}
              </option>
            ),
          )}
        </select>
      </div>
      {chosen && error && !stale && <ProblemNote error={error} retry={reload} />}
      {chosen && stale && !data && (
        <p class="soft" role="status">
          Looking for what it went by.
        </p>
      )}
      {chosen && data && (
        <label class="row opacity">
          <span class="label">Opacity (o, O)</span>
          <input
            type="range"
            min={0}
            max={100}
            step={5}
            value={opacity.value}
            aria-valuetext={`${opacity.value} per cent`}
            onInput={(event) => setOpacity(Number(event.currentTarget.value))}
          />
          <span class="number">{opacity.value} %</span>
        </label>
      )}
    </>
  );
}

function About({ model }: { model: Model }) {
  const auc = model.roc_auc;
  return (
    <p class="faint small about-model">
      {model.architecture},{" "}
      {auc?.value == null
        ? "ROC-AUC not known"
        : `ROC-AUC ${formatFigure(auc.value)} (${formatFigure(auc.low)} to ${formatFigure(auc.high)}) on its test split`}
      {model.lineage.protocol === "published" && `, ${INFLATED}`}. Not a diagnosis.{" "}
      <a href={`/jobs/${model.model_id}`}>Its job</a>
    </p>
  );
}

/** What a model of the lab says of the image in sight. */
export function Predict({ record, asked }: { record: ImageRecord; asked: Asked }) {
  const { models, model } = asked;
  return (
    <section class="stack" aria-label="Model">
      <h2>Model</h2>
      {models.error && <ProblemNote error={models.error} retry={models.reload} />}
      {models.data?.length === 0 && (
        <p class="soft">
          No model can be asked yet: each finished job on a cohort leaves one.{" "}
          <a href="/jobs/new">Train one</a>
        </p>
      )}
      {models.data && models.data.length > 0 && <ModelChoice models={models.data} />}
      {model && (
        <>
          <Warnings record={record} asked={asked} />
          <Met asked={asked} />
          <Said record={record} asked={asked} />
          <HeatControls asked={asked} />
          <About model={model} />
        </>
      )}
    </section>
  );
}
