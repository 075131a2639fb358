"""What a model costs: counted operations, measured time and memory, and what half precision changes.

===========  ===============================================================================================
counts       parameters, multiply-adds and activations under two protocols, without computing anything
challenges   scores by the rules of challenges on efficient super-resolution
timing       median and spread of the time, and peak memory, in a process that runs alone
ledger       bf16, fp16 and TF32 against fp32, image by image
gathering    all of it as ``cost.csv``
===========  ===============================================================================================

``docs/cost.md`` says what each column means and what not to conclude from it.
"""
