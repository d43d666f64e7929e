"""Results as Markdown tables, a chart and verdicts on the targets."""
