"""Words for a township that is made up: the villages are those of 百崎回族乡, every unit and number is invented."""

from collections.abc import Mapping

VILLAGES: Mapping[str, str] = {
    "baiqi": "白奇村",
    "lichun": "里春村",
    "liandai": "莲埭村",
    "xiadai": "下埭村",
    "houhai": "后海村",
}
FIRST_NAMES = (
    "海丰",
    "兴源",
    "恒达",
    "锦绣",
    "顺和",
    "福泰",
    "百盛",
    "金岸",
    "长青",
    "永捷",
    "新澳",
    "东埔",
    "和鸣",
    "祥云",
    "嘉禾",
)
STREETS = ("滨海路", "回族街", "工业路", "新村路")
CATEGORIES: Mapping[str, str] = {  # how a unit is called, and its category
    "制伞厂": "劳动密集型企业",
    "鞋业有限公司": "劳动密集型企业",
    "包装印刷厂": "劳动密集型企业",
    "超市": "商场",
    "大酒店": "宾馆饭店",
    "幼儿园": "学校",
    "卫生院": "医院",
    "养老院": "养老机构",
    "冷链仓储": "仓储",
    "文化宫": "公共娱乐场所",
}
PLACES = ("一层大厅", "二层走廊", "三层车间", "配电间", "仓库", "楼梯间", "厨房", "宿舍区", "机房", "水泵房")
PATHS = ("telecom-nb", "mobile-4g", "unicom-4g")
