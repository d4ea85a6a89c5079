"""What is measured: each public function here is a part of `cwm_agent.bench.gpu.plan`."""
