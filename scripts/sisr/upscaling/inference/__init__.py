"""Running a network on images: device, precision, memory and tiles.

    runner = Runner(networks.load(model, 4, files), Options(), device="cpu")
    sr = runner.run(planes)          # float32 (c, h, w) on the network's range -> (c, 4 h, 4 w)

================  =========================================================================================
:mod:`options`    what can be chosen
:mod:`field`      how far a network looks, measured
:mod:`memory`     how much memory it takes for an image, without running it
:mod:`tiles`      cutting an image into tiles that look as far as the network does
:mod:`runner`     the runs themselves: back-off when memory ends, retry when numbers end
================  =========================================================================================

Nothing is imported here: the configuration knows the options, and does not need torch for it.
"""
