"""The parts of the HTML report; `runtime_probe.output.html` puts them together."""
