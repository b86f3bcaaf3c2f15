import type { ReactElement, ReactNode } from "react";
import { type Block, readBlocks, readSpans } from "../markup.ts";
import { CodeBlock } from "./code-block.tsx";

// oxlint-disable react/no-array-index-key -- an answer only grows at its end: places are identities

/** An answer as far as it has come, with a cursor while more is expected. */
export function Answer({
  markdown,
  isGrowing,
}: {
  readonly markdown: string;
  readonly isGrowing: boolean;
}): ReactElement {
  return (
    <div className={isGrowing ? "answer answer-growing" : "answer"}>
      {readBlocks(markdown).map((block, position) => (
        <BlockView key={position} block={block} />
      ))}
    </div>
  );
}

function BlockView({ block }: { readonly block: Block }): ReactElement {
  switch (block.kind) {
    case "heading":
      return <h4>{spans(block.text)}</h4>;
    case "code":
      return <CodeBlock text={block.text} />;
    case "quote":
      return (
        <blockquote>
          {block.blocks.map((inner, position) => (
            <BlockView key={position} block={inner} />
          ))}
        </blockquote>
      );
    case "list": {
      const items = block.items.map((item, position) => <li key={position}>{spans(item)}</li>);
      return block.isOrdered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case "table":
      return <TableView table={block} />;
    case "paragraph":
    default:
      return <p>{spans(block.text)}</p>;
  }
}

function TableView({ table }: { readonly table: Extract<Block, { kind: "table" }> }): ReactElement {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- or no key scrolls it in some browsers
    <section className="table-scroll" tabIndex={0} aria-label="Table">
      <table>
        <thead>
          <tr>
            {table.head.map((cell, column) => (
              <th key={column}>{spans(cell)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, position) => (
            <tr key={position}>
              {row.map((cell, column) => (
                <td key={column}>{spans(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function spans(line: string): ReactNode {
  return readSpans(line).map(({ kind, text }, position) => {
    if (kind === "code") return <code key={position}>{text}</code>;
    if (kind === "strong") return <strong key={position}>{text}</strong>;
    if (kind === "emphasis") return <em key={position}>{text}</em>;
    return text;
  });
}
