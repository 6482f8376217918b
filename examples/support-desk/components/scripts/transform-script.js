// Joins what the prompts found into the ticket that the desk's API takes.
return {
  id: ticket_id,
  title: extracted.problem,
  tags: [extracted.product, analysed.team].filter(Boolean),
  order: extracted.order ?? undefined,
  urgency: analysed.urgency,
  note: analysed.because,
};
