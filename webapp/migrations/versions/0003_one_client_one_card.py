"""One client, one card

Revision: 0003, after 0002
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('category',
    sa.Column('letter', sa.String(length=1), nullable=False),
    sa.Column('meanings', sa.JSON(), nullable=False),
    sa.Column('actions', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('letter', name=op.f('pk_category'))
    )
    op.create_table('client_type',
    sa.Column('forbidden', sa.Boolean(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('names', sa.JSON(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_client_type'))
    )
    op.create_table('column_mapping',
    sa.Column('headers', sa.String(length=64), nullable=False),
    sa.Column('mapping', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('headers', name=op.f('pk_column_mapping'))
    )
    op.create_table('extra_field',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('names', sa.JSON(), nullable=False),
    sa.Column('prompts', sa.JSON(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('choices', sa.JSON(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_extra_field')),
    sa.UniqueConstraint('key', name=op.f('uq_extra_field_key'))
    )
    op.create_table('free_mail',
    sa.Column('domain', sa.String(length=120), nullable=False),
    sa.PrimaryKeyConstraint('domain', name=op.f('pk_free_mail'))
    )
    op.create_table('near_word',
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('variant', sa.String(length=80), nullable=False),
    sa.Column('word', sa.String(length=80), nullable=False),
    sa.PrimaryKeyConstraint('kind', 'variant', 'word', name=op.f('pk_near_word'))
    )
    op.create_table('payment_scheme',
    sa.Column('forbidden', sa.Boolean(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('names', sa.JSON(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_scheme'))
    )
    op.create_table('transition',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('grid', sa.String(length=8), nullable=False),
    sa.Column('before', sa.String(length=20), nullable=False),
    sa.Column('after', sa.String(length=20), nullable=False),
    sa.Column('allowed', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_transition'))
    )
    with op.batch_alter_table('transition', schema=None) as batch_op:
        batch_op.create_index('uq_transition', ['grid', 'before', 'after'], unique=True)

    op.create_table('api_token',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('may_write', sa.Boolean(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=True),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_api_token_made_by_id_user')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_api_token_user_id_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_token')),
    sa.UniqueConstraint('digest', name=op.f('uq_api_token_digest'))
    )
    with op.batch_alter_table('api_token', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_token_user_id'), ['user_id'], unique=False)

    op.create_table('api_made',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('what', sa.String(length=8), nullable=False),
    sa.Column('row_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['token_id'], ['api_token.id'], name=op.f('fk_api_made_token_id_api_token'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_made'))
    )
    with op.batch_alter_table('api_made', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_made_at'), ['at'], unique=False)
        batch_op.create_index('uq_api_made_key', ['token_id', 'key'], unique=True)

    op.create_table('erasure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.Column('why', sa.String(length=400), nullable=False),
    sa.Column('counts', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_erasure_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_erasure'))
    )
    op.create_table('job',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('said', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=True),
    sa.Column('beat_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_job_made_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job'))
    )
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.create_index('ix_job_open', ['made_at'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('worklist',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('channel_id', sa.Integer(), nullable=True),
    sa.Column('manager_id', sa.Integer(), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['channel_id'], ['channel.id'], name=op.f('fk_worklist_channel_id_channel')),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_worklist_made_by_id_user')),
    sa.ForeignKeyConstraint(['manager_id'], ['user.id'], name=op.f('fk_worklist_manager_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_worklist'))
    )
    op.create_table('card_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('client_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('deal_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('field', sa.String(length=60), nullable=False),
    sa.Column('old', sa.Text(), nullable=False),
    sa.Column('new', sa.Text(), nullable=False),
    sa.Column('source', sa.String(length=12), nullable=False),
    sa.Column('why', sa.String(length=400), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], name=op.f('fk_card_change_client_id_client'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_card_change_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_change'))
    )
    with op.batch_alter_table('card_change', schema=None) as batch_op:
        batch_op.create_index('ix_card_change_client_id_at', ['client_id', 'at'], unique=False)

    op.create_table('double_pair',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('low_id', sa.Integer(), nullable=False),
    sa.Column('high_id', sa.Integer(), nullable=False),
    sa.Column('score', sa.Float(), nullable=False),
    sa.Column('reasons', sa.JSON(), nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('low_id < high_id', name=op.f('ck_double_pair_in_order')),
    sa.ForeignKeyConstraint(['high_id'], ['client.id'], name=op.f('fk_double_pair_high_id_client'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['low_id'], ['client.id'], name=op.f('fk_double_pair_low_id_client'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_double_pair'))
    )
    with op.batch_alter_table('double_pair', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_double_pair_high_id'), ['high_id'], unique=False)
        batch_op.create_index('ix_double_pair_score', ['score', 'id'], unique=False)
        batch_op.create_index('uq_double_pair', ['low_id', 'high_id'], unique=True)

    op.create_table('extra_value',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('client_id', sa.Integer(), nullable=False),
    sa.Column('field_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.String(length=400), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], name=op.f('fk_extra_value_client_id_client'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['field_id'], ['extra_field.id'], name=op.f('fk_extra_value_field_id_extra_field')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_extra_value'))
    )
    with op.batch_alter_table('extra_value', schema=None) as batch_op:
        batch_op.create_index('ix_extra_value_field_text', ['field_id', 'text'], unique=False)
        batch_op.create_index('uq_extra_value', ['client_id', 'field_id'], unique=True)

    op.create_table('import',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('file', sa.String(length=80), nullable=False),
    sa.Column('form', sa.JSON(), nullable=False),
    sa.Column('headers', sa.JSON(), nullable=False),
    sa.Column('mapping', sa.JSON(), nullable=False),
    sa.Column('options', sa.JSON(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('counts', sa.JSON(), nullable=False),
    sa.Column('job_id', sa.Integer(), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['job_id'], ['job.id'], name=op.f('fk_import_job_id_job')),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_import_made_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import'))
    )
    with op.batch_alter_table('import', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_import_made_at'), ['made_at'], unique=False)

    op.create_table('merge',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('survivor_id', sa.Integer(), nullable=False),
    sa.Column('other_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.Column('why', sa.String(length=400), nullable=False),
    sa.Column('fields', sa.JSON(), nullable=False),
    sa.Column('moved', sa.JSON(), nullable=False),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('undone_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_merge_by_id_user')),
    sa.ForeignKeyConstraint(['other_id'], ['client.id'], name=op.f('fk_merge_other_id_client'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['survivor_id'], ['client.id'], name=op.f('fk_merge_survivor_id_client'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['undone_by_id'], ['user.id'], name=op.f('fk_merge_undone_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_merge'))
    )
    with op.batch_alter_table('merge', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_merge_other_id'), ['other_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_merge_survivor_id'), ['survivor_id'], unique=False)

    op.create_table('pair_verdict',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('low_id', sa.Integer(), nullable=False),
    sa.Column('high_id', sa.Integer(), nullable=False),
    sa.Column('verdict', sa.String(length=8), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('low_id < high_id', name=op.f('ck_pair_verdict_in_order')),
    sa.ForeignKeyConstraint(['high_id'], ['client.id'], name=op.f('fk_pair_verdict_high_id_client'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['low_id'], ['client.id'], name=op.f('fk_pair_verdict_low_id_client'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_pair_verdict_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pair_verdict'))
    )
    with op.batch_alter_table('pair_verdict', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pair_verdict_high_id'), ['high_id'], unique=False)
        batch_op.create_index('uq_pair_verdict', ['low_id', 'high_id'], unique=True)

    op.create_table('worklist_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('worklist_id', sa.Integer(), nullable=False),
    sa.Column('agent_id', sa.Integer(), nullable=True),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('company', sa.String(length=200), nullable=False),
    sa.Column('person', sa.String(length=200), nullable=False),
    sa.Column('about', sa.String(length=400), nullable=False),
    sa.Column('client_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('approaches', sa.Integer(), nullable=False),
    sa.Column('more_why', sa.String(length=400), nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['agent_id'], ['user.id'], name=op.f('fk_worklist_item_agent_id_user')),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], name=op.f('fk_worklist_item_client_id_client'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['worklist_id'], ['worklist.id'], name=op.f('fk_worklist_item_worklist_id_worklist'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_worklist_item'))
    )
    with op.batch_alter_table('worklist_item', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_worklist_item_client_id'), ['client_id'], unique=False)
        batch_op.create_index('ix_worklist_item_due', ['agent_id', 'state', 'next_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_worklist_item_number'), ['number'], unique=False)
        batch_op.create_index('uq_worklist_item_number', ['worklist_id', 'number'], unique=True)

    op.create_table('import_row',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('import_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('client_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('cells', sa.JSON(), nullable=True),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], name=op.f('fk_import_row_client_id_client'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['import_id'], ['import.id'], name=op.f('fk_import_row_import_id_import'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_row'))
    )
    with op.batch_alter_table('import_row', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_import_row_client_id'), ['client_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_import_row_digest'), ['digest'], unique=False)
        batch_op.create_index('ix_import_row_state', ['import_id', 'state', 'number'], unique=False)
        batch_op.create_index('uq_import_row', ['import_id', 'number'], unique=True)

    op.create_table('approach',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('item_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('result', sa.String(length=12), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('touch_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['item_id'], ['worklist_item.id'], name=op.f('fk_approach_item_id_worklist_item'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['touch_id'], ['touch.id'], name=op.f('fk_approach_touch_id_touch'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_approach_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_approach'))
    )
    with op.batch_alter_table('approach', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_approach_item_id'), ['item_id'], unique=False)

    op.create_table('quick_row',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=32), nullable=False),
    sa.Column('typed', sa.JSON(), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('client_id', sa.Integer(), nullable=True),
    sa.Column('made', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], name=op.f('fk_quick_row_client_id_client'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_quick_row_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quick_row'))
    )
    with op.batch_alter_table('quick_row', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_quick_row_client_id'), ['client_id'], unique=False)
        batch_op.create_index('uq_quick_row', ['user_id', 'key'], unique=True)

    # Columns are added in place, never by copying a table: on SQLite that would delete what refers to its rows.
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    for table, name, other in REFERENCES:
        constraint = f'fk_{table}_{name}_{other}'
        if op.get_bind().dialect.name == 'sqlite':
            op.execute(f'ALTER TABLE {table} ADD COLUMN {name} INTEGER CONSTRAINT {constraint} REFERENCES {other} (id)')
        else:
            op.add_column(table, sa.Column(name, sa.Integer(), nullable=True))
            op.create_foreign_key(constraint, table, other, [name], ['id'])
    merged = sa.text('merged_into_id IS NOT NULL')
    op.create_index('ix_client_merged_into_id', 'client', ['merged_into_id'], sqlite_where=merged, postgresql_where=merged)
    for column in FILTERED:
        op.create_index(f'ix_client_{column}', 'client', [column])
    if op.get_bind().scalar(sa.text('SELECT count(*) FROM office')):  # a new office brings its lists itself
        _begin_lists()
    if op.get_bind().scalar(sa.text('SELECT count(*) FROM client')):
        _ask_for_keys()


def _begin_lists() -> None:
    for name, items in (('client_type', CLIENT_TYPES), ('payment_scheme', PAYMENT_SCHEMES)):
        columns = [sa.column(one) for one in ('rank', 'active', 'forbidden')]
        op.bulk_insert(
            sa.table(name, sa.column('names', sa.JSON), *columns),
            [
                {'names': {'en': en, 'ru': ru}, 'rank': rank, 'active': True, 'forbidden': forbidden}
                for rank, (en, ru, forbidden) in enumerate(items)
            ],
        )
    op.bulk_insert(
        sa.table('category', sa.column('letter'), sa.column('meanings', sa.JSON), sa.column('actions', sa.JSON)),
        [
            {'letter': letter, 'meanings': {'en': en, 'ru': ru}, 'actions': {'en': do_en, 'ru': do_ru}}
            for letter, en, ru, do_en, do_ru in CATEGORIES
        ],
    )
    op.bulk_insert(sa.table('free_mail', sa.column('domain')), [{'domain': domain} for domain in FREE_MAIL.split()])


def _ask_for_keys() -> None:
    """Old cards learn the search keys of this release, by the worker, while they are found by the old ones."""
    columns = [sa.column(name) for name in ('kind', 'state', 'total', 'done', 'said')]
    job = sa.table('job', *columns, sa.column('facts', sa.JSON()), sa.column('made_at', sa.DateTime(timezone=True)))
    job_now = {'kind': 'rekey', 'state': 'waiting', 'total': 0, 'done': 0, 'said': '', 'facts': {}}
    op.bulk_insert(job, [job_now | {'made_at': datetime.now(UTC)}])


CLIENT_TYPES = (
    ("End customer", "Конечный заказчик", False),
    ("Builder", "Строительная компания", False),
    ("Dealer", "Дилер", False),
    ("Public body", "Бюджетная организация", False),
    ("Competitor", "Конкурент", True),
    ("Insolvent firm", "Банкрот", True),
)
PAYMENT_SCHEMES = (
    ("Paid in advance", "Предоплата", False),
    ("Half in advance", "Аванс 50 %", False),
    ("Paid on delivery", "Оплата по факту", False),
    ("Within 30 days", "Отсрочка до 30 дней", False),
    ("Later than 60 days", "Отсрочка больше 60 дней", True),
    ("Through a third party", "Оплата за третье лицо", True),
)
CATEGORIES = (
    (
        "A",
        "Large or strategic: buys much and regularly",
        "Крупный или стратегический: покупает много и регулярно",
        "Visit them. Call every two weeks. Send an offer the same day, and let the head see it first.",
        "Выезжать на встречу. Звонить раз в две недели. Предложение отправлять в тот же день, показав руководителю.",
    ),
    (
        "B",
        "Middling: buys now and then and may grow",
        "Средний: покупает время от времени и может вырасти",
        "Invite them to us. Call once a month. Send an offer within a day.",
        "Приглашать к нам. Звонить раз в месяц. Предложение отправлять в течение дня.",
    ),
    (
        "C",
        "Small or one-off",
        "Небольшой или разовый",
        "Invite them to exhibitions and offers for everybody. Call once a quarter. Send the price list.",
        "Приглашать на выставки и общие акции. Звонить раз в квартал. Отправлять прайс-лист.",
    ),
)
FREE_MAIL = (
    '126.com 163.com 3g.ua abv.bg alice.it aol.* arcor.de att.net autorambler.ru azet.sk bigmir.net bk.ru '
    'btinternet.com centrum.cz comcast.net cox.net cytanet.com.cy dir.bg e1.ru email.com email.cz email.ua '
    'fastmail.com forthnet.gr free.fr freemail.gr freenet.de gmail.* gmx.* googlemail.* hey.com hol.gr hotbox.ru '
    'hotmail.* i.ua icloud.* in.gr inbox.lt inbox.lv inbox.ru interia.pl internet.ru land.ru laposte.net lenta.ru '
    'libero.it list.ru live.* mac.com mail.by mail.com mail.ee mail.gr mail.kz mail.ru mailbox.org mailru.* me.com '
    'meta.ua msn.* myrambler.ru narod.ru ngs.ru nm.ru nxt.ru o2.pl one.lt onet.pl online.ua op.pl orange.fr '
    'otenet.gr outlook.* pm.me pochta.ru posteo.de proton.* protonmail.* qip.ru qq.com rambler.* ro.ru sbcglobal.net '
    'seznam.cz sfr.fr sibmail.com sky.com t-online.de tiscali.it tut.by tuta.com tuta.io tutanota.* ua.fm ukr.net '
    'usa.com verizon.net virgilio.it vk.com vodafone.gr wanadoo.fr web.de windowslive.com wp.pl xmail.ru ya.* '
    'yahoo.* yandex.* ymail.* zoho.* '
)


FILTERED = ('status_id', 'type_id', 'category', 'region_id', 'channel_id', 'caller_kind', 'created_at')


COLUMNS = {
    'deal': [
        sa.Column('kind', sa.String(length=8), nullable=False, server_default='deal'),
        sa.Column('amount', sa.BigInteger(), nullable=True),
        sa.Column('approved_for', sa.String(length=200), nullable=False, server_default=''),
        sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('approved_why', sa.String(length=400), nullable=False, server_default=''),
    ],
    'office': [
        sa.Column('currency', sa.String(length=3), nullable=False, server_default=''),
    ],
}


REFERENCES = (
    ('client', 'type_id', 'client_type'),
    ('client', 'merged_into_id', 'client'),
    ('deal', 'payment_scheme_id', 'payment_scheme'),
    ('deal', 'approved_by_id', 'user'),
)
"""(table, column, the table referred to)."""


def downgrade() -> None:
    raise NotImplementedError("a database is not taken back to an older release; restore the backup made before")
