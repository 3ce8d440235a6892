import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('book', '0003_one_row_many_records'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Exclusion',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('record', models.CharField(max_length=40)),
                ('object_id', models.BigIntegerField()),
                ('account_id', models.BigIntegerField()),
                ('check_id', models.CharField(max_length=60)),
                ('reason', models.CharField(max_length=300)),
                ('at', models.DateTimeField()),
                ('taken_back_at', models.DateTimeField(null=True)),
                ('taken_back_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['account_id', 'record'], name='exclusions_account')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('taken_back_at', None)), fields=('record', 'object_id'), name='excluded_once_at_a_time')],
            },
        ),
    ]
