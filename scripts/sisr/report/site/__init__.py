"""The site of a run: a folder of static files that opens from disk, with no network and no server.

================  =========================================================================================
:mod:`shown_data` what the pages show, from the tidy tables
:mod:`script`     data as scripts that a page may load from disk
:mod:`originals`  HR and LR images
:mod:`images`   SR and error images, and the sums from which a crop's PSNR, SSIM and LPIPS follow
:mod:`origins`    weights with their checksums, and devices, of each number
:mod:`charts`     interactive plots as plain data, which ``static/plots.js`` draws
:mod:`model_data` differences to the best, published values, thumbnails and pages of models
:mod:`learn`      studies, of the run or of the documentation
:mod:`methods`    the paragraph for a paper, its bibliography, and what made the run
:mod:`build`      puts it all into ``index.html``
:mod:`serve`      shows it in a browser
:mod:`pack`       report and site in one zip file
================  =========================================================================================

``static/`` holds the style sheet and the scripts of the browser.  A page that is opened from disk may load
scripts and images, but not read files (``fetch``) or pixels; so data are scripts that call
``SISR.define(name, value)``, and numbers of crops are added up from tables, not from pixels.
"""
