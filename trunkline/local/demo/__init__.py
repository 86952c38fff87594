"""``make demo``: the main job once, from first push to rollback, on a stack that is thrown away.

Everything is done the way a person would do it: the command line in processes of its own, Git by
commit and push, what happens to a vendor through the simulators' own doors. Whatever is claimed is
what the platforms and Git answer, asked without Trunkline; if it is not so, the demo ends with 1.
"""
