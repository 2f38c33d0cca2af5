"""Network features turned so that their cosine tells "the same lesion" rather than "the same disease in the same frame".

The network was trained to give unlike pictures of one disease like features, perhaps on these very pictures. A few
directions therefore hold nearly all variance (disease, dark corners, hair, tint), and the plain cosine of any two nevi
is above 0.9. What tells one nevus from another is in the many directions of little variance. So: each feature's share of
the row's sum, square root (Hellinger, as in `derm_model.net.reference`), minus the mean, divided by the standard
deviation along each principal component (whitening), and scaled to length 1.

Measured on HAM10000, ISIC 2017 and PAD-UFES-20 (9,037 pictures, 41 million pairs; features of the demo bundle, which was
trained on most of them). "Above the 11" is the number of other pairs more alike than the least alike of the 11 known
copies in ISIC 2017; "moved" the share of 440 views made of 220 of the pictures (turned up to 25 degrees, enlarged up
to 1.3, shifted, recoloured) that are more alike than all but 30 pairs:

    transform                               above the 11    moved
    cosine                                      > 40,000      1 %
    centred                                       11,666      2 %
    Hellinger, centred                             3,079      4 %
    and whitened,   128 components                   310      4 %
                    256                               43      7 %
                    512                               19     12 %
                  1,024                                5     19 %
                  1,024, without Hellinger             -        -
                  2,048                                2     26 %
    half-whitened, 1,024 components                   30      9 %
"""
