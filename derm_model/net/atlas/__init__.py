"""Maps of many images: a folder of pictures, raw values and one table, all made alike, resumed at any time."""

from derm_model.net.atlas.drawing import Drawn, draw_maps
from derm_model.net.atlas.folder import TABLE, Atlas
from derm_model.net.atlas.order import MEASURES, Item, Order, answer_and_map
from derm_model.net.atlas.panel import PANELS, choose_images, draw_panel
from derm_model.net.atlas.pictures import write_picture, write_values

__all__ = [
    "MEASURES",
    "PANELS",
    "TABLE",
    "Atlas",
    "Drawn",
    "Item",
    "Order",
    "answer_and_map",
    "choose_images",
    "draw_maps",
    "draw_panel",
    "write_picture",
    "write_values",
]
