"""The telephone an office can trust

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('dial_rule',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('role', sa.String(length=12), nullable=False),
    sa.Column('pattern', sa.String(length=24), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dial_rule'))
    )
    with op.batch_alter_table('dial_rule', schema=None) as batch_op:
        batch_op.create_index('uq_dial_rule', ['role', 'pattern'], unique=True)

    op.create_table('bridge_command',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.String(length=80), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('refused', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_bridge_command_made_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bridge_command')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('bridge_command', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bridge_command_call_id'), ['call_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_bridge_command_made_at'), ['made_at'], unique=False)

    op.create_table('refused_dial',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=80), nullable=False),
    sa.Column('why', sa.String(length=300), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_refused_dial_user_id_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_refused_dial'))
    )

    op.create_table('line_person',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['line_id'], ['line.id'], name=op.f('fk_line_person_line_id_line'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_line_person_user_id_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_line_person'))
    )
    with op.batch_alter_table('line_person', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_line_person_user_id'), ['user_id'], unique=False)
        batch_op.create_index('uq_line_person', ['line_id', 'user_id'], unique=True)

    op.create_table('transfer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('from_user_id', sa.Integer(), nullable=True),
    sa.Column('to_user_id', sa.Integer(), nullable=True),
    sa.Column('to_target', sa.String(length=200), nullable=False),
    sa.Column('to_text', sa.String(length=120), nullable=False),
    sa.Column('attended', sa.Boolean(), nullable=False),
    sa.Column('briefing', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('why', sa.String(length=20), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_transfer_call_id_call'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['from_user_id'], ['user.id'], name=op.f('fk_transfer_from_user_id_user')),
    sa.ForeignKeyConstraint(['to_user_id'], ['user.id'], name=op.f('fk_transfer_to_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_transfer'))
    )
    with op.batch_alter_table('transfer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_transfer_call_id'), ['call_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_transfer_to_user_id'), ['to_user_id'], unique=False)

    op.create_table('recording',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('path', sa.String(length=200), nullable=False),
    sa.Column('seconds', sa.Float(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('gaps', sa.JSON(), nullable=False),
    sa.Column('peaks', sa.JSON(), nullable=False),
    sa.Column('levels', sa.JSON(), nullable=False),
    sa.Column('stopped', sa.String(length=20), nullable=False),
    sa.Column('ready_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('original', sa.String(length=200), nullable=False),
    sa.Column('stored_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('held_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('held_by_id', sa.Integer(), nullable=True),
    sa.Column('held_why', sa.String(length=200), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_why', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_recording_call_id_call'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['held_by_id'], ['user.id'], name=op.f('fk_recording_held_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recording'))
    )
    with op.batch_alter_table('recording', schema=None) as batch_op:
        batch_op.create_index('uq_recording', ['call_id', 'kind'], unique=True)
        batch_op.create_index(batch_op.f('ix_recording_ready_at'), ['ready_at'], unique=False)
    op.execute(
        "INSERT INTO recording (call_id, kind, path, original, seconds, size, gaps, peaks, levels, stopped, ready_at, held_why, deleted_why)"
        " SELECT id, 'talk', recording, '', recording_seconds, 0, '[]', '[]', '[]', '', ended_at, '', ''"
        " FROM call WHERE recording <> ''"
    )
    op.drop_column('call', 'recording')
    op.drop_column('call', 'recording_seconds')

    # Columns are added in place, never by copying a table: on SQLite that would delete what refers to its rows.
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    outcome = sa.table('outcome', *(sa.column(name, sa.JSON() if name == 'names' else None) for name in OUTCOME))
    if op.get_bind().scalar(sa.select(sa.func.count()).select_from(outcome)):
        op.bulk_insert(outcome, [OUTCOME])
    op.create_index('uq_bridge_status_name', 'bridge_status', ['name'], unique=True)
    if op.get_bind().dialect.name == 'sqlite':
        op.execute('ALTER TABLE call ADD COLUMN placed_by_id INTEGER CONSTRAINT fk_call_placed_by_id_user REFERENCES user (id)')
    else:
        op.add_column('call', sa.Column('placed_by_id', sa.Integer(), nullable=True))
        op.create_foreign_key('fk_call_placed_by_id_user', 'call', 'user', ['placed_by_id'], ['id'])
    for name, table, index_columns, where in OPEN_ROWS:
        op.create_index(name, table, index_columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


OPEN_ROWS = (
    ('ix_call_unspoken', 'call', ['direction', 'state', 'offered_at'], 'answered_at IS NULL AND missed_closed_at IS NULL'),
    ('ix_touch_open', 'touch', ['user_id'], 'closed_at IS NULL'),
    ('ix_task_open_due', 'task', ['due_at'], 'done_at IS NULL'),
    ('ix_task_open_user', 'task', ['user_id', 'due_at'], 'done_at IS NULL'),
    ('ix_recording_waiting', 'recording', ['ready_at'], 'stored_at IS NULL'),
    ('ix_recording_originals', 'recording', ['original'], "original <> ''"),
    ('ix_recording_kept', 'recording', ['ready_at', 'call_id', 'stopped', 'held_at', 'path'], "path <> ''"),
)
"""Indexes of what is still open, small however old the office."""


OUTCOME = {
    'names': {'en': 'Not reached', 'ru': 'Не дозвонились'},
    'rank': 99,
    'active': True,
    'key': 'not_reached',
    'closes': False,
    'counts_as': '',
}
"""How a call of ours ends that nobody picked up; offices founded before have their lists already."""

COLUMNS = {
    'bridge_status': [
        sa.Column('name', sa.String(length=40), nullable=False, server_default=''),
        sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('ended_why', sa.String(length=200), nullable=False, server_default=''),
    ],
    'call': [
        sa.Column('direction', sa.String(length=4), nullable=False, server_default='in'),
        sa.Column('held_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('held_by', sa.String(length=8), nullable=False, server_default=''),
        sa.Column('held_words', sa.String(length=200), nullable=False, server_default=''),
        sa.Column('redirects', sa.Integer(), nullable=False, server_default='0'),
        sa.Column('menu_digit', sa.String(length=1), nullable=False, server_default=''),
        sa.Column('notice_text', sa.Text(), nullable=False, server_default=''),
        sa.Column('notice_version', sa.String(length=20), nullable=False, server_default=''),
    ],
    'client': [
        sa.Column('never_record', sa.Boolean(), nullable=False, server_default=sa.false()),
    ],
    'line': [
        sa.Column('ring_seconds', sa.Float(), nullable=True),
        sa.Column('step_seconds', sa.Float(), nullable=True),
        sa.Column('mode', sa.String(length=10), nullable=False, server_default='bridge'),
        sa.Column('greeting', sa.String(length=80), nullable=False, server_default=''),
        sa.Column('record_notice', sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column('message_seconds', sa.Integer(), nullable=False, server_default='120'),
        sa.Column('menu', sa.JSON(), nullable=False, server_default='{}'),
        sa.Column('keep_recordings_days', sa.Integer(), nullable=True),
    ],
    'line_state': [
        sa.Column('since', sa.DateTime(timezone=True), nullable=True),
        sa.Column('last_error', sa.String(length=200), nullable=False, server_default=''),
        sa.Column('last_error_at', sa.DateTime(timezone=True), nullable=True),
    ],
    'office': [
        sa.Column('pause_keys', sa.String(length=4), nullable=False, server_default='*5'),
        sa.Column('ladder_days', sa.Integer(), nullable=False, server_default='14'),
    ],
    'user': [
        sa.Column('phone_md5', sa.String(length=32), nullable=False, server_default=''),
        sa.Column('phone_sha256', sa.String(length=64), nullable=False, server_default=''),
        sa.Column('phone_link', sa.String(length=64), nullable=False, server_default=''),
        sa.Column('phone_made_at', sa.DateTime(timezone=True), nullable=True),
    ],
}


def downgrade() -> None:
    raise NotImplementedError("a database is not taken back to an older release; restore the backup made before")
