"""What the demo office is called, sells and writes down, in the office's language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    """Everything of the demo office that is worded. Lists are drawn from at random."""

    company: str
    what_we_do: str
    greeting: str
    requisites: str
    signature: str
    """What closes a letter."""
    people: dict[str, tuple[str, str]]
    """login: (name, position)"""
    lines: dict[str, str]
    prices: tuple[tuple[str, str, str, str], ...]
    """(product, from, to, conditions)"""
    trades: tuple[str, ...]
    positions: tuple[str, ...]
    decides: tuple[str, ...]
    reasons: tuple[str, ...]
    volumes: tuple[str, ...]
    how_often: tuple[str, ...]
    order_sizes: tuple[str, ...]
    needed_by: tuple[str, ...]
    exact: tuple[str, ...]
    delivery: tuple[str, ...]
    storage: tuple[str, ...]
    alone: tuple[str, ...]
    card_notes: tuple[str, ...]
    notes: dict[str, tuple[str, ...]]
    """Outcome's key: what managers noted."""
    tasks: dict[str, str]
    """Next step's kind: the task's words; `{product}` is filled in."""
    reports: tuple[str, ...]
    missed_reasons: tuple[str, ...]
    promise: str
    absence: str
    swap: str
    deal: str


RU = Texts(
    company="Картонный двор",
    what_we_do="упаковка из гофрокартона на заказ",
    greeting="Чем могу помочь?",
    requisites="ООО «Картонный двор»\n105000, Москва, Складской проезд, 14\nИНН 7700000000, КПП 770001001",
    signature="Картонный двор, упаковка на заказ\nwww.cardwright.example",
    people={
        "helen": ("Елена Громова", "руководитель отдела продаж"),
        "anna": ("Анна Лебедева", "менеджер"),
        "mark": ("Марк Тихонов", "менеджер"),
        "vera": ("Вера Соловьёва", "менеджер по регионам"),
        "sofia": ("София Белова", "секретарь"),
        "denis": ("Денис Орехов", "агент"),
        "admin": ("Антон Кузьмин", "системный администратор"),
    },
    lines={"desk": "Отдел продаж", "site": "Телефон на сайте", "ads": "Телефон в рекламе"},
    prices=(
        ("гофрокороб", "18 ₽", "95 ₽", "за штуку, партия от 500, без печати"),
        ("короб с печатью", "32 ₽", "140 ₽", "за штуку, один цвет, партия от 1000"),
        ("лоток для ягод", "9 ₽", "27 ₽", "за штуку, партия от 2000"),
        ("почтовая коробка", "21 ₽", "60 ₽", "за штуку, самосборная, партия от 300"),
        ("подарочная коробка", "85 ₽", "420 ₽", "за штуку, крышка и дно, партия от 100"),
        ("паллетный короб", "390 ₽", "1150 ₽", "за штуку, пятислойный картон"),
        ("картонные уголки", "7 ₽", "22 ₽", "за метр, партия от 200 м"),
        ("бумажный наполнитель", "190 ₽", "310 ₽", "за килограмм"),
    ),
    trades=(
        "кондитерское производство",
        "интернет-магазин",
        "оптовая торговля",
        "мебельная фабрика",
        "пасека и мёд",
        "сеть кофеен",
        "косметика ручной работы",
        "типография",
        "склад и доставка",
        "теплицы, ягода и зелень",
        "приборы и электроника",
        "керамика",
    ),
    positions=(
        "закупщик",
        "директор",
        "главный бухгалтер",
        "заведующий складом",
        "начальник производства",
        "офис-менеджер",
        "технолог",
    ),
    decides=("цены и договор", "сроки поставки", "размеры и качество", "оплата", "всё, что до 100 тысяч"),
    reasons=(
        "прежний поставщик сорвал срок",
        "открывают новый цех",
        "готовятся к сезону",
        "сравнивают цены",
        "нужна коробка по своему размеру",
        "запускают подарочные наборы",
    ),
    volumes=(
        "500 штук",
        "около 2000 штук в месяц",
        "пробная партия, 100 штук",
        "10 000 штук",
        "паллета",
        "пока не знают",
    ),
    how_often=("раз в месяц", "каждую неделю", "два раза в год, к праздникам", "разовый заказ", "раз в квартал"),
    order_sizes=("40–60 тысяч ₽", "до 15 тысяч ₽", "около 200 тысяч ₽", "полмиллиона ₽"),
    needed_by=("до конца месяца", "через две недели", "к выставке", "вчера", "не к спеху", "к началу сезона"),
    exact=("да, есть чертёж", "нет, нужен совет", "есть образец", "два варианта на выбор"),
    delivery=("забирают сами", "просят доставку", "транспортной компанией", "своя машина по вторникам"),
    storage=("свой склад", "хранить негде, просят частями", "склад в аренде", "100 метров, сухо"),
    alone=("сам", "согласует с директором", "решает с партнёром", "нужен тендер"),
    card_notes=(
        "Звонить после 11, утром планёрка.",
        "Просит называть по имени, без отчества.",
        "Считает до копейки; сначала выгода, потом цена.",
        "Любит, когда перезванивают точно в срок.",
        "",
        "",
        "",
    ),
    notes={
        "meeting": (
            "Приедет к нам смотреть образцы, нужен пропуск.",
            "Встреча у них, взять образцы трёх видов картона.",
            "Договорились показать печать вживую.",
        ),
        "order": (
            "Заказ принят, счёт отправлен.",
            "Повтор прошлой партии, те же размеры.",
            "Берут с доставкой частями.",
        ),
        "offer": (
            "Ждёт предложение с двумя вариантами картона.",
            "Просит цену с доставкой и без.",
            "Отправить предложение и каталог, копию директору.",
        ),
        "call_back": (
            "Уточнит размеры у технолога, созвонимся.",
            "Сейчас в дороге, просит перезвонить.",
            "Подумают после планёрки.",
        ),
        "technologist": ("Груз тяжёлый, нужен расчёт прочности.", "Вопрос о влажности на складе."),
        "message": ("Передать Вере: чертёж исправлен, отверстия нужны с двух сторон.",),
        "answered": ("Подсказали срок изготовления.", "Сверили реквизиты.", "Спасибо за прошлую партию, всё подошло."),
        "refused": ("Нашли дешевле, спросить весной.", "Закупку отложили на год."),
        "not_ours": ("Искали типографию.", "Предлагали нам рекламу."),
    },
    tasks={
        "call_back": "Перезвонить: {product}",
        "meeting_ours": "Встреча у нас: {product}",
        "meeting_theirs": "Встреча у клиента: {product}",
        "offer": "Отправить предложение: {product}",
        "samples": "Отправить образцы: {product}",
        "order": "Проверить оплату: {product}",
        "technologist": "Технолог звонит клиенту: {product}",
        "letter": "Письмо: {product}",
    },
    reports=("Сделано, созвонились.", "Отправлено, получение подтвердили.", "Встретились, всё обсудили."),
    missed_reasons=("Номер не отвечает третий день.", "Звонил робот.", "Ошиблись номером, сказали при перезвоне."),
    promise="Обещали перезвонить",
    absence="к врачу",
    swap="у сына утренник",
    deal="{product}, {volume}",
)

EN = Texts(
    company="Cardwright",
    what_we_do="corrugated packaging made to order",
    greeting="How can I help you?",
    requisites="Cardwright Ltd\n14 Wharf Lane, London\nCompany no. 00000000, VAT GB 000 0000 00",
    signature="Cardwright, packaging made to order\nwww.cardwright.example",
    people={
        "helen": ("Helen Grant", "head of sales"),
        "anna": ("Anna Fielding", "sales manager"),
        "mark": ("Mark Dalton", "sales manager"),
        "vera": ("Vera Quinn", "regional sales manager"),
        "sofia": ("Sofia Bell", "secretary"),
        "denis": ("Denis Hale", "agent"),
        "admin": ("Anton Cole", "system administrator"),
    },
    lines={"desk": "Sales desk", "site": "Number on the website", "ads": "Number in the ads"},
    prices=(
        ("shipping box", "£0.20", "£1.05", "each, plain, from 500"),
        ("printed box", "£0.35", "£1.50", "each, one colour, from 1000"),
        ("berry tray", "£0.10", "£0.30", "each, from 2000"),
        ("mailing box", "£0.24", "£0.65", "each, self-locking, from 300"),
        ("gift box", "£0.90", "£4.60", "each, lid and base, from 100"),
        ("pallet box", "£4.30", "£12.50", "each, double wall"),
        ("edge protector", "£0.08", "£0.24", "a metre, from 200 m"),
        ("paper filling", "£2.10", "£3.40", "a kilogram"),
    ),
    trades=(
        "confectionery",
        "online shop",
        "wholesale",
        "furniture works",
        "honey farm",
        "coffee shops",
        "handmade cosmetics",
        "printing house",
        "storage and delivery",
        "greenhouses, berries and herbs",
        "instruments and electronics",
        "ceramics",
    ),
    positions=(
        "buyer",
        "director",
        "chief accountant",
        "warehouse keeper",
        "production manager",
        "office manager",
        "technologist",
    ),
    decides=("prices and contract", "delivery dates", "sizes and quality", "payment", "everything under 1,000"),
    reasons=(
        "the last supplier was late",
        "opening a second workshop",
        "getting ready for the season",
        "comparing prices",
        "needs a box of their own size",
        "starting gift sets",
    ),
    volumes=("500 pieces", "about 2,000 a month", "a trial of 100", "10,000 pieces", "one pallet", "not known yet"),
    how_often=("monthly", "every week", "twice a year, before holidays", "once", "every quarter"),
    order_sizes=("400 to 600", "up to 150", "about 2,000", "5,000 and more"),
    needed_by=(
        "end of the month",
        "in two weeks",
        "before the exhibition",
        "yesterday",
        "no hurry",
        "start of the season",
    ),
    exact=("yes, has a drawing", "no, wants advice", "has a sample", "two variants to choose from"),
    delivery=("collect themselves", "want delivery", "by a carrier", "own van on Tuesdays"),
    storage=("own warehouse", "no room, want it in parts", "rented store", "small and dry"),
    alone=("alone", "agrees it with the director", "decides with a partner", "needs a tender"),
    card_notes=(
        "Call after 11, mornings are for meetings.",
        "First names from the first minute.",
        "Counts every penny: benefits first, then the price.",
        "Likes a call back exactly on time.",
        "",
        "",
        "",
    ),
    notes={
        "meeting": (
            "Comes to see samples, needs a visitor's pass.",
            "Meeting at theirs, bring three kinds of board.",
            "We agreed to show the print on a real box.",
        ),
        "order": (
            "Order taken, invoice sent.",
            "Same as the last batch, same sizes.",
            "Taking it in parts, with delivery.",
        ),
        "offer": (
            "Waits for an offer with two kinds of board.",
            "Wants the price with delivery and without.",
            "Send the offer and the catalogue, copy to the director.",
        ),
        "call_back": (
            "Will ask their technologist for sizes, then we talk.",
            "On the road now, asked us to ring.",
            "They decide after the weekly meeting.",
        ),
        "technologist": ("Heavy load, the strength has to be worked out.", "A question about damp in the store."),
        "message": ("For Vera: the drawing is corrected, holes on both sides.",),
        "answered": (
            "Told them how long it takes.",
            "Checked the bank details.",
            "Thanked us for the last batch, all fits.",
        ),
        "refused": ("Found it cheaper, ask again in spring.", "Buying is put off for a year."),
        "not_ours": ("Looked for a printing house.", "Offered us advertising."),
    },
    tasks={
        "call_back": "Ring back: {product}",
        "meeting_ours": "Meeting at ours: {product}",
        "meeting_theirs": "Meeting at theirs: {product}",
        "offer": "Send the offer: {product}",
        "samples": "Send samples: {product}",
        "order": "See whether it is paid: {product}",
        "technologist": "The technologist rings: {product}",
        "letter": "Letter: {product}",
    },
    reports=("Done, we talked.", "Sent, they have it.", "We met and went through it all."),
    missed_reasons=("No answer there for three days.", "A robot called.", "Wrong number, they said when we rang back."),
    promise="We promised to ring back",
    absence="at the doctor's",
    swap="my son's school play",
    deal="{product}, {volume}",
)


def texts(language: str) -> Texts:
    """The words for an office that speaks `language`; English when there are none for it."""
    return {"ru": RU}.get(language, EN)
