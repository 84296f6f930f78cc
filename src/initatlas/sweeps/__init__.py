"""The sweep engine: a spec becomes points, batches, durable results and one cube."""
