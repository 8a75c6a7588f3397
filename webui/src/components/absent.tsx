// Stands in a table for what there isn't; a card on a phone leaves its line out.
export function Absent() {
  return <span className="absent">–</span>;
}
