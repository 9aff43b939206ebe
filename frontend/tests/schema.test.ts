import { describe, expect, it } from "vitest";
import { fieldProblem, fieldValue, formFields } from "../src/lib/schema";

const fields = formFields({
  $defs: { Precision: { enum: ["auto", "float32"], type: "string" } },
  properties: {
    model: { type: "string", enum: ["resnet18", "convnext_tiny"], default: "resnet18" },
    epochs: { type: "integer", minimum: 1, maximum: 500, default: 12, description: "Passes" },
    learning_rate: { type: "number", exclusiveMinimum: 0, maximum: 1, default: 0.001 },
    permute_labels: { anyOf: [{ type: "integer", minimum: 0 }, { type: "null" }], default: null },
    precision: { $ref: "#/$defs/Precision", default: "auto" },
    deterministic: { type: "boolean", default: true },
  },
});
const named = (name: string) => {
  const field = fields.find((one) => one.name === name);
  if (!field) throw new Error(name);
  return field;
};

describe("a form from JSON Schema", () => {
  it("knows each kind of field and its default", () => {
    expect(fields.map((field) => [field.name, field.kind, field.fallback])).toEqual([
      ["model", "choice", "resnet18"],
      ["epochs", "integer", "12"],
      ["learning_rate", "number", "0.001"],
      ["permute_labels", "integer", ""],
      ["precision", "choice", "auto"],
      ["deterministic", "flag", "true"],
    ]);
    expect(named("permute_labels").nullable).toBe(true);
    expect(named("learning_rate").label).toBe("Learning rate");
  });

  it("checks as one types, in words", () => {
    expect(fieldProblem(named("epochs"), "")).toBeNull();
    expect(fieldProblem(named("epochs"), "12")).toBeNull();
    expect(fieldProblem(named("epochs"), "0")).toBe("At least 1.");
    expect(fieldProblem(named("epochs"), "700")).toBe("At most 500.");
    expect(fieldProblem(named("epochs"), "1.5")).toBe("A whole number.");
    expect(fieldProblem(named("epochs"), "ten")).toBe("A number.");
    expect(fieldProblem(named("learning_rate"), "0")).toBe("Above 0.");
    expect(fieldProblem(named("model"), "vgg")).toBe("One of resnet18, convnext_tiny.");
  });

  it("sends values of their own type", () => {
    expect(fieldValue(named("epochs"), "12")).toBe(12);
    expect(fieldValue(named("deterministic"), "false")).toBe(false);
    expect(fieldValue(named("model"), "resnet18")).toBe("resnet18");
  });
});
