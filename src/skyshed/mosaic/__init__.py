"""Images larger than memory: the chain tile by tile, with the answer of the whole image.

    background -> detect -> stitch -> deblend -> number -> measure

`skyshed.extract` comes here by itself when an image does not fit into memory. Each phase is a
file: tasks over tiles (`background`, `detect`, `deblend`, `measure`) read windows and write records
to a workspace on disk; between them, `stitch` and `number` look at tables of the whole image. `run`
has their order, `engine` hands tasks to Dask, `start` begins or resumes a run in its workspace.
"""
